-- The form in which texts are searched: without case, accents and what nobody sees, and the same for every way of composing
-- a letter. It uses nothing but PostgreSQL's own functions and does not depend on the database's locale, so that an index
-- over it stays right when the database moves. Letters that Unicode does not decompose are spelled out.
--
-- Its cost tells the planner to use such an index. It is not in SQL, which would be inlined and lose its cost.
CREATE FUNCTION search_form(text) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 200 AS $$
DECLARE
    form text;
BEGIN
    IF pg_catalog.octet_length($1) = pg_catalog.char_length($1) THEN
        RETURN pg_catalog.lower($1 COLLATE pg_catalog."C");
    END IF;
    form := pg_catalog.regexp_replace(
        pg_catalog.normalize($1, 'NFKD'),
        '[\u00AD\u0300-\u036F\u0483-\u0487\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u0610-\u061A\u064B-\u065F\u0670'
        '\u06D6-\u06DC\u1AB0-\u1ACE\u1DC0-\u1DFF\u200B-\u200F\u2060\u20D0-\u20F0\uFE00-\uFE0F\uFE20-\uFE2F\uFEFF]',
        '', 'g'
    );
    form := pg_catalog.translate(
        form,
        'ABCDEFGHIJKLMNOPQRSTUVWXYZÆÐØÞðøĐđĦħıĸŁłŊŋŒŦŧƀƁƂƄƆƇƉƊƋƎƏƐƑƒƓ' ||
        'ƔƖƗƘƙƚƜƝƞƟƢƤƥƦƧƩƬƭƮƱƲƳƴƵƶƷƸƼǤǥǶǷȜȠȢȤȺȻȼȽȾȿɀɁɃɄɅɆɇɈɉɊɌɍɎɏɓɗɠɨ' ||
        'ʉͰͲͶͿΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩςϏϘϚϜϞϠϢϤϦϨϪϬϮϷϺϽϾϿЂЄЅІЈЉЊЋЏАБВ' ||
        'ГДЕЖЗИКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯѠѢѤѦѨѪѬѮѰѲѴѸѺѼѾҀҊҌҎҐҒҔҖҘҚҜҞҠҢҤҦҨ' ||
        'ҪҬҮҰҲҴҶҸҺҼҾӀӃӅӇӉӋӍӔӘӠӨӶӺӼӾԀԂԄԆԈԊԌԎԐԒԔԖԘԚԜԞԠԢԤԦԨԪԬԮԱԲԳԴԵԶԷԸԹԺ' ||
        'ԻԼԽԾԿՀՁՂՃՄՅՆՇՈՉՊՋՌՍՎՏՐՑՒՓՔՕՖႠႡႢႣႤႥႦႧႨႩႪႫႬႭႮႯႰႱႲႳႴႵႶႷႸႹႺႻႼႽႾႿ' ||
        'ჀჁჂჃჄჅჇჍᲐᲑᲒᲓᲔᲕᲖᲗᲘᲙᲚᲛᲜᲝᲞᲟᲠᲡᲢᲣᲤᲥᲦᲧᲨᲩᲪᲫᲬᲭᲮᲯᲰᲱᲲᲳᲴᲵᲶᲷᲸᲹᲺᲽᲾᲿẞỺỼỾⱥ',
        'abcdefghijklmnopqrstuvwxyzædoþdoddhhikllnnœttbbƃƅɔƈɖdƌǝəɛffg' ||
        'ɣɩikklɯɲnɵƣppʀƨʃttʈʊʋyyzzʒƹƽggƕƿȝnȣȥacclⱦszɂbuʌeejjɋrryybdgi' ||
        'uͱͳͷϳαβγδεζηθικλμνξοπρστυφχψωσϗϙϛϝϟϡϣϥϧϩϫϭϯϸϻͻͼͽђєѕіјљњћџабв' ||
        'гдежзиклмнопрстуфхцчшщъыьэюяѡѣѥѧѩѫѭѯѱѳѵѹѻѽѿҁҋҍҏґғҕҗҙқҝҟҡңҥҧҩ' ||
        'ҫҭүұҳҵҷҹһҽҿӏӄӆӈӊӌӎӕәӡөӷӻӽӿԁԃԅԇԉԋԍԏԑԓԕԗԙԛԝԟԡԣԥԧԩԫԭԯաբգդեզէըթժ' ||
        'իլխծկհձղճմյնշոչպջռսվտրցւփքօֆⴀⴁⴂⴃⴄⴅⴆⴇⴈⴉⴊⴋⴌⴍⴎⴏⴐⴑⴒⴓⴔⴕⴖⴗⴘⴙⴚⴛⴜⴝⴞⴟ' ||
        'ⴠⴡⴢⴣⴤⴥⴧⴭაბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰჱჲჳჴჵჶჷჸჹჺჽჾჿßỻỽỿa'
    );
    form := pg_catalog.replace(pg_catalog.replace(form, 'ß', 'ss'), 'æ', 'ae');
    form := pg_catalog.replace(pg_catalog.replace(form, 'œ', 'oe'), 'þ', 'th');
    RETURN pg_catalog.replace(form, '’', '''');
END
$$;

COMMENT ON FUNCTION search_form(text) IS 'how a text is searched: without case and accents. Indexes are built on it: a change needs new ones';

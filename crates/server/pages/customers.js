// @ts-check
import { account } from './account.js';
import { readBasket } from './basket.js';
import { checkout } from './checkout.js';
import { choices } from './choices.js';
import { closable } from './elements.js';
import { followMenu, readMenu } from './menu.js';
import { orders } from './order.js';

closable();
choices();
checkout();
orders();
readBasket();
// Who is signed in matters to nobody who only chooses.
void account();
// Nothing can be chosen before it is known what there is to choose.
await readMenu().catch(() => undefined);
document.documentElement.classList.add('ready');
followMenu();

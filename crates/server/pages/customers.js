// @ts-check
import { account, onCustomer } from './account.js';
import { readBasket } from './basket.js';
import { checkout, show } from './checkout.js';
import { choices } from './choices.js';
import { closable } from './elements.js';
import { followMenu, readMenu } from './menu.js';
import { orders, resume } from './order.js';

closable();
choices();
checkout();
orders();
onCustomer(show);
readBasket();
// Nothing can be chosen before it is known what there is to choose.
await Promise.allSettled([readMenu(), account().then(resume)]);
document.documentElement.classList.add('ready');
followMenu();

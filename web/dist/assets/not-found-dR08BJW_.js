<<<<<<<< HEAD:web/dist/assets/not-found-dR08BJW_.js
import{It as e,Lt as t,ot as n,t as r}from"./Shell-BjG7yVqs.js";import{t as i}from"./NotFound-ar7GkN7C.js";function a(n,a){t(a,!0);let o={reports:`report`,raids:`raid`,live:`channel`},s=location.pathname.split(`/`)[1]??``,c=s in o?o[s]:`page`;r(n,{children:(e,t)=>{i(e,{get what(){return c}})},$$slots:{default:!0}}),e()}var o=document.getElementById(`app`);o!==null&&n(a,{target:o});
========
import{It as e,Lt as t,ot as n,t as r}from"./Shell-CLatMAHo.js";import{t as i}from"./NotFound-DDPCp8gR.js";function a(n,a){t(a,!0);let o={reports:`report`,raids:`raid`,live:`channel`},s=location.pathname.split(`/`)[1]??``,c=s in o?o[s]:`page`;r(n,{children:(e,t)=>{i(e,{get what(){return c}})},$$slots:{default:!0}}),e()}var o=document.getElementById(`app`);o!==null&&n(a,{target:o});
>>>>>>>> gone:web/dist/assets/not-found-DjxheJJu.js

import '../../app.css';
import { mount } from 'svelte';
import AccountPage from './AccountPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(AccountPage, { target });

import '../../app.css';
import { mount } from 'svelte';
import SignInPage from './SignInPage.svelte';

const target = document.getElementById('app');
if (target !== null) mount(SignInPage, { target });

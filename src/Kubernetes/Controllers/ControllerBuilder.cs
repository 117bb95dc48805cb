// Puts a controller together: what it is about, what else wakes it, how many work.
using Framelease.Kubernetes.Client;
using Framelease.Kubernetes.Diagnostics;
using Framelease.Kubernetes.Models;
using Framelease.Kubernetes.Watching;

namespace Framelease.Kubernetes.Controllers;

/// <summary>
/// <code>
/// var controller = new ControllerBuilder("videotask", stores)
///     .For&lt;VideoTask&gt;()
///     .Owns&lt;GpuLease&gt;()
///     .Watches&lt;Tenant&gt;(tenant =&gt; tasks.Find(tenant.Metadata.Name))
///     .Build(reconciler);
/// await Task.WhenAll(stores.RunAsync(ct), controller.RunAsync(ct));
/// </code>
/// </summary>
public sealed class ControllerBuilder(string name, StoreSet stores)
{
    readonly List<Task> _ready = [];
    readonly List<Action<Controller>> _subscriptions = [];
    ControllerOptions _options = new();
    ResourceRef? _resource;
    Func<IReadOnlyList<ObjectKey>>? _keys;

    /// <summary>The kind that keys name. Every change of such an object wakes its key.</summary>
    /// <param name="when">Null: always. Else only changes for which it is true, for example <c>c =&gt; c.SpecChanged</c>.</param>
    /// <param name="priority">
    /// Null: normal. A reconciler whose own writes come back as changes gives these <see cref="WorkPriority.Low"/>: they are looked at, but keep
    /// nobody waiting.
    /// </param>
    public ControllerBuilder For<T>(
        Selection? selection = null, Func<StoreChange<T>, bool>? when = null, Func<StoreChange<T>, WorkPriority>? priority = null)
        where T : class, IKubernetesObject
    {
        if (_resource is not null)
            throw new InvalidOperationException($"{name}: a controller is about one kind");
        _resource = ResourceRef.Of<T>();
        var store = Watch(selection, when, static (change, wake) => wake(change.Key), priority: priority);
        _keys = store.Keys;
        return this;
    }

    /// <summary>A change of an object wakes its controlling owner, if that is of the kind of <see cref="For{T}"/>.</summary>
    public ControllerBuilder Owns<T>(Selection? selection = null, Func<StoreChange<T>, bool>? when = null)
        where T : class, IKubernetesObject
    {
        var owner = _resource ?? throw new InvalidOperationException($"{name}: call For before Owns");
        Watch(selection, when, (change, wake) => Both(change, value =>
        {
            if (value.ControllerOf(owner) is { } key)
                wake(key);
        }));
        return this;
    }

    /// <summary>A change of an object wakes the keys that <paramref name="keys"/> says, for its state before and after.</summary>
    /// <param name="settle">
    /// A key that is woken is looked at after this, so that what wakes it many times in between costs one reconcile. Default zero: at once.
    /// </param>
    public ControllerBuilder Watches<T>(
        Func<T, IEnumerable<ObjectKey>> keys, Selection? selection = null, Func<StoreChange<T>, bool>? when = null, TimeSpan settle = default)
        where T : class, IKubernetesObject
    {
        Watch(
            selection, when,
            (change, wake) => Both(change, value =>
            {
                foreach (var key in keys(value))
                    wake(key);
            }),
            settle);
        return this;
    }

    /// <summary>Anything else that wakes keys: <paramref name="connect"/> gets the function to call, once, when the controller is built.</summary>
    /// <param name="settle">As with <see cref="Watches{T}"/>.</param>
    public ControllerBuilder WatchesSource(Action<Action<ObjectKey>> connect, TimeSpan settle = default)
    {
        _subscriptions.Add(controller => connect(key => controller.EnqueueAfter(key, settle)));
        return this;
    }

    /// <summary>Changes the options; see <see cref="ControllerOptions"/> for the defaults.</summary>
    public ControllerBuilder With(Func<ControllerOptions, ControllerOptions> change)
    {
        _options = change(_options);
        return this;
    }

    public Controller Build(IReconciler reconciler)
    {
        if (_keys is null)
            throw new InvalidOperationException($"{name}: call For");
        var controller = new Controller(name, _options, reconciler, _keys, [.. _ready], stores.Time, stores.Jitter, stores.Logger);
        foreach (var subscribe in _subscriptions)
            subscribe(controller);
        return controller;
    }

    Store<T> Watch<T>(Selection? selection, Func<StoreChange<T>, bool>? when, Action<StoreChange<T>, Action<ObjectKey>> wake, TimeSpan settle = default,
        Func<StoreChange<T>, WorkPriority>? priority = null)
        where T : class, IKubernetesObject
    {
        var store = stores.Get<T>(selection);
        _ready.Add(store.Ready);
        _subscriptions.Add(controller => store.Subscribe(change =>
        {
            try
            {
                if (when is null || when(change))
                    wake(change, key => controller.EnqueueAfter(key, settle, priority?.Invoke(change) ?? WorkPriority.Normal));
            }
            catch (Exception error)
            {
                Log.MappingFailed(stores.Logger, name, change.Key.ToString(), error);
            }
        }));
        return store;
    }

    static void Both<T>(StoreChange<T> change, Action<T> map)
        where T : class, IKubernetesObject
    {
        if (change.Old is not null)
            map(change.Old);
        if (change.New is not null)
            map(change.New);
    }
}

// The watcher as a state machine: a pure step from (state, what happened) to (next state, what the store shall do, whether to pause).
using Framelease.Kubernetes.Client;

namespace Framelease.Kubernetes.Watching;

/// <summary>How a collection is read from its beginning.</summary>
enum InitialList
{
    /// <summary>Page after page, then a watch.</summary>
    Pages,

    /// <summary>As one list: the pages' token expired before the last page was read.</summary>
    Whole,

    /// <summary>As the first events of a watch, where the server has that (WatchOptions.SendInitialEvents).</summary>
    Stream,
}

/// <summary>What is known about the collection. The state alone says what to do next.</summary>
/// <param name="By">How the collection is read when it must be read from its beginning again.</param>
abstract record WatcherState(InitialList By)
{
    /// <summary>Nothing, or nothing that can be trusted any more. Next: list the first page, or open a watch that begins with everything.</summary>
    public sealed record Empty(InitialList By) : WatcherState(By);

    /// <summary>Some pages. Next: list the page of this token.</summary>
    public sealed record Listing(string Continue) : WatcherState(InitialList.Pages);

    /// <summary>Some of what there is, from a watch that began with everything. Next: wait for its next event.</summary>
    public sealed record Streaming() : WatcherState(InitialList.Stream);

    /// <summary>Everything up to this version, and no event since a watch was last opened. Next: open a watch, or wait for its first event.</summary>
    public sealed record Listed(string ResourceVersion, InitialList By = InitialList.Pages) : WatcherState(By);

    /// <summary>Everything up to this version, from a watch that works. Next: wait for its next event.</summary>
    public sealed record Watching(string ResourceVersion, InitialList By = InitialList.Pages) : WatcherState(By);

    /// <summary>True while a watch is to send what there is.</summary>
    public bool IsStreaming => this is Streaming or Empty { By: InitialList.Stream };
}

/// <summary>What happened.</summary>
abstract record WatcherInput<T>
    where T : class
{
    WatcherInput()
    {
    }

    public sealed record Page(KubernetesList<T> List) : WatcherInput<T>;

    public sealed record Event(WatchEvent<T> Change) : WatcherInput<T>;

    /// <summary>A watch that should send what there is sent nothing for a while, and not the mark of the end.</summary>
    public sealed record Silent : WatcherInput<T>;

    /// <summary>The server ended the watch in good order.</summary>
    /// <param name="Lasted">How long it was open.</param>
    public sealed record Ended(TimeSpan Lasted) : WatcherInput<T>;

    /// <summary>The list or the watch failed.</summary>
    /// <param name="Lasted">How long the watch was open.</param>
    public sealed record Failed(KubernetesException Error, TimeSpan Lasted) : WatcherInput<T>;
}

/// <summary>What the store shall do.</summary>
abstract record StoreInput<T>
    where T : class
{
    StoreInput()
    {
    }

    /// <summary>A page of a list. Nothing is visible before the last page; then the whole swaps at once.</summary>
    public sealed record Page(IReadOnlyList<T> Items, bool First, bool Last) : StoreInput<T>;

    /// <summary>Takes an object out of the pages so far: it was deleted while they were streamed.</summary>
    public sealed record Unlist(T Object) : StoreInput<T>;

    public sealed record Apply(T Object) : StoreInput<T>;

    public sealed record Delete(T Object) : StoreInput<T>;
}

/// <summary>Result of a step.</summary>
/// <param name="Store">Null: nothing to do.</param>
/// <param name="Pause">Whether to wait before going on.</param>
/// <param name="AtLeast">The server's Retry-After.</param>
readonly record struct WatcherStep<T>(WatcherState Next, StoreInput<T>? Store, WatcherPause Pause, TimeSpan AtLeast = default)
    where T : class;

enum WatcherPause
{
    /// <summary>Go on at once.</summary>
    None,

    /// <summary>Go on at once, and the next failure counts as the first again.</summary>
    Healthy,

    /// <summary>Wait; longer with each failure in a row.</summary>
    Backoff,

    /// <summary>Wait as after a first failure: things were well until now.</summary>
    FreshBackoff,
}

/// <summary>The step function.</summary>
static class Watcher
{
    /// <summary>A watch that was open this long did work, even if nothing happened; a server that ends them sooner is not hammered.</summary>
    public static readonly TimeSpan Worked = TimeSpan.FromSeconds(10);

    public static WatcherStep<T> Step<T>(WatcherState state, WatcherInput<T> input)
        where T : class =>
        (state, input) switch
        {
            (WatcherState.Watching at, WatcherInput<T>.Event e) => OnEvent(at.ResourceVersion, at.By, e.Change),
            (WatcherState.Listed at, WatcherInput<T>.Event e) => OnEvent(at.ResourceVersion, at.By, e.Change),
            ({ IsStreaming: true }, WatcherInput<T>.Event e) => OnInitialEvent(e.Change, first: state is WatcherState.Empty),

            // It ignores the wish, or refuses it.
            ({ IsStreaming: true }, WatcherInput<T>.Silent or WatcherInput<T>.Ended) => new(ByPages, null, WatcherPause.Backoff),
            ({ IsStreaming: true }, WatcherInput<T>.Failed { Error.Code: 400 or 403 or 405 or 422 or 501 }) =>
                new(ByPages, null, WatcherPause.None),
            (WatcherState.Empty, WatcherInput<T>.Page page) => OnPage(page.List, first: true),
            (WatcherState.Listing, WatcherInput<T>.Page page) => OnPage(page.List, first: false),
            (WatcherState.Watching at, WatcherInput<T>.Ended) =>
                new(new WatcherState.Listed(at.ResourceVersion, at.By), null, WatcherPause.None),
            (WatcherState.Listed, WatcherInput<T>.Ended ended) =>
                new(state, null, ended.Lasted >= Worked ? WatcherPause.Healthy : WatcherPause.Backoff),
            (_, WatcherInput<T>.Failed failed) => OnFailure<T>(state, failed.Error, failed.Lasted),
            _ => throw new InvalidOperationException($"{input.GetType().Name} can not happen in state {state.GetType().Name}"),
        };

    static readonly WatcherState ByPages = new WatcherState.Empty(InitialList.Pages), Streaming = new WatcherState.Streaming();

    static WatcherStep<T> OnPage<T>(KubernetesList<T> list, bool first)
        where T : class
    {
        var more = list.Continue;
        WatcherState next = more is null ? new WatcherState.Listed(list.ResourceVersion) : new WatcherState.Listing(more);
        return new(next, new StoreInput<T>.Page(list.Items, first, more is null), WatcherPause.None);
    }

    static WatcherStep<T> OnInitialEvent<T>(WatchEvent<T> change, bool first)
        where T : class => change switch
        {
            { EndsInitialEvents: true } => new(
                new WatcherState.Watching(change.ResourceVersion, InitialList.Stream),
                new StoreInput<T>.Page([], first, Last: true), WatcherPause.Healthy),
            { Object: null } or { Type: WatchEventType.Deleted } when first =>
                new(Streaming, new StoreInput<T>.Page([], First: true, Last: false), WatcherPause.None),
            { Object: null } => new(Streaming, null, WatcherPause.None),
            { Type: WatchEventType.Deleted } => new(Streaming, new StoreInput<T>.Unlist(change.Object), WatcherPause.None),
            _ => new(Streaming, new StoreInput<T>.Page([change.Object], first, Last: false), WatcherPause.None),
        };

    static WatcherStep<T> OnEvent<T>(string at, InitialList by, WatchEvent<T> change)
        where T : class
    {
        StoreInput<T>? store = change.Type switch
        {
            WatchEventType.Bookmark => null,
            WatchEventType.Deleted => new StoreInput<T>.Delete(change.Object!),
            _ => new StoreInput<T>.Apply(change.Object!),
        };

        // A repeated old event must not take the point of resume back.
        var next = ResourceVersions.IsOlder(change.ResourceVersion, than: at) ? at : change.ResourceVersion;
        return new(new WatcherState.Watching(next, by), store, WatcherPause.Healthy);
    }

    static WatcherStep<T> OnFailure<T>(WatcherState state, KubernetesException error, TimeSpan lasted)
        where T : class
    {
        WatcherState next = state switch
        {
            // Who is too slow for pages gets one list, or it would begin again for ever.
            WatcherState.Listing when error.IsGone => new WatcherState.Empty(InitialList.Whole),

            // The version is compacted away, or from before a restore, or half of a stream is lost: only a new list helps.
            WatcherState.Streaming => new WatcherState.Empty(InitialList.Stream),
            _ when error.IsGone || IsFromTheFuture(error) => new WatcherState.Empty(state.By),
            WatcherState.Watching at => new WatcherState.Listed(at.ResourceVersion, at.By),
            _ => state,
        };
        var pause = state is WatcherState.Watching || lasted >= Worked ? WatcherPause.FreshBackoff : WatcherPause.Backoff;
        return new(next, null, pause, error.RetryAfter ?? TimeSpan.Zero);
    }

    /// <summary>The server is behind the version that we ask for: it was restored from a backup.</summary>
    static bool IsFromTheFuture(KubernetesException error)
    {
        foreach (var cause in error.Causes)
        {
            if (cause.Reason == "ResourceVersionTooLarge")
                return true;
        }

        return false;
    }
}

/// <summary>Resource versions are opaque, but all servers in use write growing decimal numbers; others are taken as they come.</summary>
static class ResourceVersions
{
    public static bool IsOlder(string? version, string? than)
    {
        if (!IsNumber(version) || !IsNumber(than))
            return false;
        return version!.Length != than!.Length ? version.Length < than.Length : string.CompareOrdinal(version, than) < 0;
    }

    static bool IsNumber(string? text) => text is { Length: > 0 } && text[0] != '0' && !text.AsSpan().ContainsAnyExceptInRange('0', '9');
}

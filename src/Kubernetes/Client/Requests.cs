// What callers pass beside names and objects.
namespace Framelease.Kubernetes.Client;

/// <summary>Filters and paging of a list.</summary>
public sealed record ListOptions
{
    /// <summary>For example <c>app=worker,tier in (a,b)</c>.</summary>
    public string? LabelSelector { get; init; }

    /// <summary>For example <c>spec.nodeName=node-1</c>; which fields work depends on the kind.</summary>
    public string? FieldSelector { get; init; }

    /// <summary>Items per page. Null: all at once.</summary>
    public int? Limit { get; init; }

    /// <summary>Token of the page before.</summary>
    public string? Continue { get; init; }

    /// <summary>Null: the newest state (a quorum read); <c>0</c>: whatever the server's cache holds.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>NotOlderThan or Exact; needs <see cref="ResourceVersion"/>.</summary>
    public string? ResourceVersionMatch { get; init; }
}

/// <summary>Where a watch begins and what it sees.</summary>
public sealed record WatchOptions
{
    public string? LabelSelector { get; init; }

    public string? FieldSelector { get; init; }

    /// <summary>Changes after this version are sent. Null: the present objects as Added first, then changes.</summary>
    public string? ResourceVersion { get; init; }

    /// <summary>The server sends a Bookmark now and then, so that a resume does not start far back. Default true.</summary>
    public bool AllowBookmarks { get; init; } = true;

    /// <summary>
    /// The watch begins with what there is, as Added events, and a Bookmark that says that this was all
    /// (<see cref="WatchEvent{T}.EndsInitialEvents"/>): a list that neither side holds whole in memory. Servers from 1.27 have it, not all
    /// switched on; others refuse with 400, 403 or 422, or do not send the mark. Leave <see cref="ResourceVersion"/> null.
    /// </summary>
    public bool SendInitialEvents { get; init; }

    /// <summary>After this the server ends the watch. Default: five minutes.</summary>
    public int TimeoutSeconds { get; init; } = 300;
}

/// <summary>How a write is treated.</summary>
public sealed record WriteOptions
{
    /// <summary>Checked and answered, but not stored.</summary>
    public bool DryRun { get; init; }

    /// <summary>Owner of the written fields in managedFields. Default: the user agent.</summary>
    public string? FieldManager { get; init; }

    /// <summary>Ignore, Warn or Strict, for unknown and duplicate fields. Null: the server's default (Warn).</summary>
    public string? FieldValidation { get; init; }

    /// <summary>Takes over fields that others manage (server-side apply only).</summary>
    public bool Force { get; init; }
}

/// <summary>How and whether something is deleted.</summary>
public sealed record DeleteOptions
{
    /// <summary>Null: the object's own; 0: at once.</summary>
    public long? GracePeriodSeconds { get; init; }

    public DeletePreconditions? Preconditions { get; init; }

    /// <summary>Background, Foreground or Orphan. Null: the kind's default.</summary>
    public string? PropagationPolicy { get; init; }

    /// <summary>Deletes this very object, not a later one of the same name (409 otherwise).</summary>
    public static DeleteOptions ForUid(string? uid, long? gracePeriodSeconds = null) =>
        new() { GracePeriodSeconds = gracePeriodSeconds, Preconditions = new(uid) };
}

/// <summary>What must be true of the object for it to be deleted; else 409.</summary>
public sealed record DeletePreconditions(string? Uid = null, string? ResourceVersion = null);

/// <summary>Which part of a container's log.</summary>
public sealed record LogOptions
{
    /// <summary>Needed when the pod has more than one.</summary>
    public string? Container { get; init; }

    /// <summary>The stream stays open until the container ends.</summary>
    public bool Follow { get; init; }

    public int? TailLines { get; init; }

    public int? SinceSeconds { get; init; }

    public long? LimitBytes { get; init; }

    /// <summary>Of the container before the last restart.</summary>
    public bool Previous { get; init; }

    public bool Timestamps { get; init; }
}

/// <summary>Body of DELETE.</summary>
sealed record DeleteBody(
    string ApiVersion, string Kind, long? GracePeriodSeconds, DeletePreconditions? Preconditions, string? PropagationPolicy)
{
    public static DeleteBody From(DeleteOptions options) =>
        new("v1", "DeleteOptions", options.GracePeriodSeconds, options.Preconditions, options.PropagationPolicy);
}

namespace Framelease.Kubernetes.Controllers;

/// <summary>What a look at the clean-up behind a finalizer came to; see <see cref="Finalizer{T}"/>.</summary>
public abstract record CleanUp
{
    CleanUp()
    {
    }

    /// <summary>Nothing is left: the object may go.</summary>
    public static CleanUp Complete { get; } = new Finished();

    /// <summary>Something is left.</summary>
    /// <param name="what">What is waited for, for people, for example <c>pod encode-1 to end</c>.</param>
    /// <param name="again">Look again after this, at the latest.</param>
    /// <param name="mayLetGo">True: after the deadline the object may go although this is left, since something else takes care of it.</param>
    public static CleanUp Waiting(string what, TimeSpan again, bool mayLetGo = false) => new Left(what, again, mayLetGo);

    public sealed record Finished : CleanUp;

    public sealed record Left(string What, TimeSpan Again, bool MayLetGo) : CleanUp;
}

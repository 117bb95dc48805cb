namespace Framelease.Conformance.Tests.Support;

/// <summary>A server under test, with the custom kinds of the suite installed.</summary>
public abstract class Server : IAsyncLifetime
{
    int _namespaces;

    public Api Api { get; protected set; } = null!;

    public string KubeconfigPath { get; protected set; } = "";

    /// <summary>A new namespace for one test.</summary>
    public async Task<string> NewNamespace()
    {
        var name = $"t{Interlocked.Increment(ref _namespaces)}-{Guid.NewGuid().ToString("N")[..8]}";
        (await Api.Post("/api/v1/namespaces", $$$"""{"apiVersion":"v1","kind":"Namespace","metadata":{"name":"{{{name}}}"}}""")).ShouldBe(201);
        return name;
    }

    public abstract Task InitializeAsync();

    public virtual Task DisposeAsync()
    {
        Api?.Dispose();
        return Task.CompletedTask;
    }
}

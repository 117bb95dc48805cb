namespace Framelease.Operator.Hosting;

/// <summary><c>/healthz</c>: the process answers. <c>/readyz</c>: it has read the present state and can serve.</summary>
sealed class Readiness
{
    volatile bool _ready;

    public void Set() => _ready = true;

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", context => context.Response.WriteAsync("ok"));
        routes.MapGet("/readyz", context =>
        {
            context.Response.StatusCode = _ready ? 200 : 503;
            return context.Response.WriteAsync(_ready ? "ok" : "starting: the stores are not filled yet");
        });
    }
}

using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Sluice.Graphs;
using Sluice.Topologies;

namespace FanOut;

/// <summary>The web service: one resolve for each request.</summary>
internal static class Server
{
    public static WebApplication Build(ProductPage page, ByHand byHand, string urls)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(urls);
        WebApplication app = builder.Build();
        app.MapGet("/product/{id:int}", (int id, CancellationToken aborted) =>
            AnswerAsync(async () => (await page.Graph.ResolveAsync(new(id), aborted)).Merged));
        app.MapGet("/by-hand/{id:int}", (int id, CancellationToken aborted) => AnswerAsync(async () => await byHand.GetAsync(id, aborted)));
        app.MapGet("/graph", (string? format) => Draw(page.Graph.Topology, format));
        app.MapGet("/graph/{id:int}", async (int id, string? format, CancellationToken aborted) =>
            await TriedAsync(async () => Draw((await page.Timed.ResolveAsync(new(id), aborted)).Topology, format)));
        return app;
    }

    private static Task<IResult> AnswerAsync(Func<Task<IReadOnlyDictionary<string, object?>>> page)
        => TriedAsync(async () => Results.Json(await page()));

    /// <summary>What fails in a backend is not this service's fault, and the caller is told which it was.</summary>
    private static async Task<IResult> TriedAsync(Func<Task<IResult>> answer)
    {
        try
        {
            return await answer();
        }
        catch (Exception e) when (Cause(e) is HttpRequestException { StatusCode: HttpStatusCode.NotFound })
        {
            return Results.Problem("There is no such product.", statusCode: StatusCodes.Status404NotFound);
        }
        catch (Exception e) when (e is NodeFailedException or HttpRequestException)
        {
            return Results.Problem(e.Message, statusCode: StatusCodes.Status502BadGateway);
        }
    }

    private static Exception Cause(Exception e) => e is NodeFailedException { InnerException: { } cause } ? cause : e;

    private static IResult Draw(Topology topology, string? format) => format switch
    {
        null or "text" => Results.Text(topology.ToText() + "\n"),
        "mermaid" => Results.Text(topology.ToMermaid()),
        "dot" => Results.Text(topology.ToDot()),
        _ => Results.Problem($"There is no format \"{format}\": text, mermaid, dot.", statusCode: StatusCodes.Status400BadRequest),
    };
}

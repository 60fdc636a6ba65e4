using Sluice.Flows;
using Sluice.Hosting;
using Words;

// Hosts the processor "longest", and starts a run of the flow for each request.
try
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.Services.AddSluice().AddProcessor(WordFlow.Longest, LongestAsync);

    var app = builder.Build();
    app.MapPost("/longest", async (Question question, ISupervisor supervisor, CancellationToken cancellation) =>
    {
        if (string.IsNullOrEmpty(question.Text)) return Results.BadRequest("The body needs a text: {\"text\": \"the quick elephant\"}");
        await using FlowRun run = await supervisor.StartAsync(WordFlow.Flow, [IOVal.Of("text", question.Text)],
            cancellation: cancellation);
        return Results.Text(await run.Output<string>("word").FirstAsync(cancellation));
    });
    app.MapSluiceHealth();
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception e) when (StartMistake.Find(e) is { } mistake)
{
    return mistake.Report();               // a wrong setting, or a port in use: a line on standard error, and an exit code
}

static async Task LongestAsync(IO<string> words, IOWriter<string> word, CancellationToken cancellation)
{
    string found = "";
    await foreach (string next in words.StreamAsync(cancellation)) found = next.Length > found.Length ? next : found;
    await word.WriteAsync(found, cancellation);
}

/// <summary>The body of a request.</summary>
internal sealed record Question(string Text);

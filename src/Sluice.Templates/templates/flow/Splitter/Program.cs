using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Hosting;
using Words;

// Hosts the processor "split". Start more of them, each with its own Sluice:Supervisor:Name, and they share the work.
try
{
    var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
    builder.Services.AddSluice().AddProcessor(WordFlow.Split, SplitAsync);

    var app = builder.Build();
    app.MapSluiceHealth();
    await app.RunAsync();
    return Environment.ExitCode;
}
catch (Exception e) when (StartMistake.Find(e) is { } mistake)
{
    return mistake.Report();               // a wrong setting, or a port in use: a line on standard error, and an exit code
}

static async IAsyncEnumerable<IOVal> SplitAsync(IO<string> text, [EnumeratorCancellation] CancellationToken cancellation)
{
    foreach (string word in (await text.FirstAsync(cancellation)).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        yield return IOVal.Of("words", word);
}

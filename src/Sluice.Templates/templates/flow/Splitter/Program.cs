using System.Runtime.CompilerServices;
using Sluice.Flows;
using Sluice.Hosting;
using Words;

// Hosts the processor "split". Start more of them, each with its own Sluice:Supervisor:Name, and they share the work.
var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
builder.Services.AddSluice().AddProcessor(WordFlow.Split, SplitAsync);

var app = builder.Build();
app.MapSluiceHealth();
await app.RunAsync();

static async IAsyncEnumerable<IOVal> SplitAsync(IO<string> text, [EnumeratorCancellation] CancellationToken cancellation)
{
    foreach (string word in (await text.FirstAsync(cancellation)).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        yield return IOVal.Of("words", word);
}

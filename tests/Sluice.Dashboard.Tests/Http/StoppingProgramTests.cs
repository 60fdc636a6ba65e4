using Microsoft.Extensions.Hosting;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>Actions of many steps while the program stops: they end between two steps, and say how far they came.</summary>
public sealed class StoppingProgramTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task ARedriveOfManyLettersDoesNotHoldUpTheStop()
    {
        var letters = new Letters(store);
        await letters.AddAsync(Enumerable.Range(0, 250).Select(static i => new Letter($"{i}")));
        IHostApplicationLifetime? lifetime = null;
        var watched = new WatchedStore(store) { Before = name => StopIn(name) };
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = watched },
        }, use: app => lifetime = app.Lifetime);
        using Viewer viewer = program.NewViewer();
        Answer cut = await viewer.PostAsync("/consecutors/orders/redrive", "/consecutors/orders/dead", ("last", "250"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, cut.Status);
        Assert.Contains("The program stops. So far, 100 dead letters were redriven. Do it again for the others when the program runs "
            + "again.", cut.Text, StringComparison.Ordinal);
        Assert.Equal(150, (await letters.ListAsync()).Count);
        Assert.Contains(">100 redriven, then the program stopped<", (await viewer.GetAsync("/audit")).Text, StringComparison.Ordinal);

        // In the first of three steps.
        void StopIn(string call)
        {
            if (call == nameof(IStreamStore.RedriveAsync)) lifetime!.StopApplication();
        }
    }
}

using Sluice.Flows;
using Sluice.Graphs;
using Sluice.Sqlite;

namespace Sluice.Dashboard.Tests.Browsers;

/// <summary>A program with one of each thing: consecutors on two stores, dead letters, state, a run, and a flow.</summary>
internal sealed class Scene : IAsyncDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("sluice-dashboard-");
    private readonly List<IAsyncDisposable> owned = [];
    private readonly PeriodicTimer work = new(TimeSpan.FromMilliseconds(5));    // of a sink that is always at work

    /// <summary>The addresses of all kinds of pages.</summary>
    public static readonly string[] Pages =
    [
        "", "/consecutors/orders", "/consecutors/orders/dead", "/consecutors/orders/dead/1",
        "/consecutors/orders/dead?by=error",
        "/consecutors/counts/state?key=", "/runs/numbers", "/graphs/shop", "/graphs/shop?resolve=2",
        "/streams", "/streams?store=store-2", "/flows", "/flows/run-1?store=store-2", "/audit",
        "/steps/pricing", "/runs/numbers/nodes/Work", "/consecutors/counts/state", "/consecutors/none", "/consecutors/idle/dead",
        "/consecutors/counts/state?node=none", "/consecutors/shipments", "/consecutors/orders/nodes/Check", "/consecutors/idle/nodes/Store",
        "/flows/run-1?store=store-2&stream=numbers",
    ];

    public Orders Orders { get; private set; } = null!;

    public DashboardProgram Program { get; private set; } = null!;

    public static async Task<Scene> StartAsync()
    {
        var scene = new Scene();
        await scene.FillAsync();
        return scene;
    }

    public async ValueTask DisposeAsync()
    {
        for (int i = owned.Count - 1; i >= 0; i--) await owned[i].DisposeAsync();
        work.Dispose();
        directory.Delete(recursive: true);
    }

    private async Task FillAsync()
    {
        SqliteStreamStore durable = Own(await SqliteStreamStore.OpenAsync(Path.Combine(directory.FullName, "store.db"),
            Durability.Process));
        MemoryStreamStore memory = Own(new MemoryStreamStore());
        Orders = Own(await Orders.StartAsync(durable));
        Orders idle = Own(await Orders.StartAsync(memory, "idle"));
        Consecutor<Order> counts = Own(new Consecutor<Order>("counts",
            source => source.Scan(0, static (count, _) => count + 1) | Stage.Named("count") | (static _ => { }),
            new() { Store = durable })
        { Key = static order => order.Id });
        await counts.StartAsync();
        foreach (string id in (string[])["ann", "bob", "ann"]) await counts.SendAsync(new(id, "counted"));
        await counts.WaitForIdleAsync();
        await Orders.SendAsync(("1", "fine"), ("2", "poison"), ("3", "poison and so on"), ("4", "fine, too"));
        PipelineRun run = Own((Source.From(Enumerable.Range(0, int.MaxValue))
            | (async (int _, CancellationToken cancellation) => { await work.WaitForNextTickAsync(cancellation); })
            | Stage.Named("Work")).Start());
        await StartFlowAsync(memory);
        await LeasedItems.MakeOneOfEachAsync(memory, "shipments");
        var shop = new Shop();
        Program = Own(await DashboardProgram.StartAsync(new()
        {
            Consecutors = [Orders.Consecutor, counts, idle.Consecutor],
            Runs = new Dictionary<string, PipelineRun> { ["numbers"] = run },
            Supervisors = [.. owned.OfType<Supervisor>()],
            Graphs = [shop.Graph],
            RefreshInterval = TimeSpan.FromMilliseconds(200),
        }));
        foreach (string request in (string[])["fine", "no reviews", "fine"]) await shop.ResolveAsync(request);
        await shop.FailAsync();
        await using StepScope scope = StepScope.Begin(options: new() { Name = "pricing" });
        _ = await Step.Of(static (int value) => value + 1).Named("Add")(1);
    }

    private async Task StartFlowAsync(MemoryStreamStore memory)
    {
        var doubles = new Processor("doubles") { Inputs = ["numbers"], Outputs = ["doubled"] };
        var waits = new Processor("waits") { Inputs = ["doubled"], Outputs = ["sum"] };
        Supervisor supervisor = Own(Supervisor.Attach(memory, new() { Name = "shop-1" }));
        supervisor.Register(doubles, static async (IO<int> numbers, IOWriter<int> doubled, CancellationToken cancellation)
            => await doubled.WriteAsync(2 * await numbers.FirstAsync(cancellation), cancellation));
        supervisor.Register(waits, static async (IO<int> doubled, IOWriter<int> sum, CancellationToken cancellation) =>
        {
            int first = await doubled.FirstAsync(cancellation);
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
            await sum.WriteAsync(first, cancellation);
        });
        _ = Own(await supervisor.StartAsync(Flow.From(doubles, waits).Resolve(), [IOVal.Of("numbers", 5)], run: "run-1"));
    }

    private T Own<T>(T one) where T : IAsyncDisposable
    {
        owned.Add(one);
        return one;
    }
}

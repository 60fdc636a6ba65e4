namespace Sluice.Dashboard.Tests.Http;

/// <summary>A stream that is damaged in the store: it is named, and hides nothing else.</summary>
public sealed class DamagedStreamTests : IAsyncDisposable
{
    private const string Damage = "The stream prices is left out: The row of prices is damaged.";

    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task ADamagedStreamIsNamedAndHidesNoOther()
    {
        await new Letters(store).AddAsync("one");
        await store.OpenStreamAsync("prices", new() { Partitions = 1 }, TestContext.Current.CancellationToken);
        await using DashboardProgram program = await StartAsync(new DamagedStore(store, "prices", isWhole: true));
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text, streams = (await viewer.GetAsync("/streams")).Text;
        foreach (string page in (string[])[overview, streams])
        {
            Assert.Contains(Damage, page, StringComparison.Ordinal);
            Assert.Contains(">orders</a>", page, StringComparison.Ordinal);
        }
        Assert.Contains("1 consecutor and 1 store should be looked at.", overview, StringComparison.Ordinal);
        Assert.Contains("Has 1 dead letter", overview, StringComparison.Ordinal);
        Assert.DoesNotContain("looked at so far", overview, StringComparison.Ordinal);
        Assert.Contains("1 dead letter.", (await viewer.GetAsync("/consecutors/orders/dead")).Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AGroupThatIsDamagedIsNamedAndHidesNoOther(bool isElsewhere)
    {
        await new Letters(store).AddAsync("one");
        await using Orders orders = await Orders.StartAsync(store, "prices");
        await orders.SendAsync(("1", "fine"));
        await using DashboardProgram program = await StartAsync(new DamagedStore(store, "prices", isWhole: false),
            isElsewhere ? [] : [orders.Consecutor]);
        using Viewer viewer = program.NewViewer();
        string overview = (await viewer.GetAsync("")).Text;
        const string Why = "The members of prices:prices are left out: The row of prices is damaged.";
        Assert.Contains(Why, overview, StringComparison.Ordinal);
        if (isElsewhere) Assert.Contains($"title=\"{Why}\"", overview, StringComparison.Ordinal);
        Assert.DoesNotContain("Its page looks up its own.", overview, StringComparison.Ordinal);
        Assert.Contains("Has 1 dead letter", overview, StringComparison.Ordinal);
        Assert.Contains(">prices</a>", overview, StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static Task<DashboardProgram> StartAsync(IStreamStore shown, params IConsecutor[] consecutors)
        => DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = shown },
            Consecutors = consecutors,
        });

    private sealed class DamagedStore(IStreamStore inner, string damaged, bool isWhole) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<StreamInfo?> FindStreamAsync(string stream, CancellationToken cancellation = default)
            => isWhole && stream == damaged ? throw Failure() : base.FindStreamAsync(stream, cancellation);

        public override ValueTask<GroupInfo?> FindGroupAsync(GroupId group, CancellationToken cancellation = default)
            => group.Stream == damaged ? throw Failure() : base.FindGroupAsync(group, cancellation);

        private StreamStoreException Failure() => new($"The row of {damaged} is damaged.") { Stream = damaged, IsPermanent = true };
    }
}

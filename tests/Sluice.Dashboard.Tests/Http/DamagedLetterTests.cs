using Sluice.Storage;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>A dead letter that is damaged in the store: it is shown as such, and not redriven or edited.</summary>
public sealed class DamagedLetterTests : IAsyncDisposable
{
    private const string Orders = "/consecutors/orders", Page = Orders + "/dead";

    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task ADamagedLetterIsShownAndLeftByARedrive()
    {
        var letters = new Letters(store);
        await letters.AddAsync("first", "second", "third");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = new DamagedStore(store, number: 2) }
        });
        using Viewer viewer = program.NewViewer();
        Assert.Contains("<code>(damaged)</code>", (await viewer.GetAsync(Page)).Text, StringComparison.Ordinal);
        string one = (await viewer.GetAsync(Page + "/2")).Text;
        Assert.Contains("<pre tabindex=\"0\">(damaged)</pre>", one, StringComparison.Ordinal);
        Assert.Contains("The letter is damaged in the store, and its payload cannot be read.", one, StringComparison.Ordinal);
        Assert.DoesNotContain("<textarea", one, StringComparison.Ordinal);

        Answer refused = await viewer.PostAsync(Orders + "/redrive", Page, ("number", "2"));
        Assert.Contains("The letter is damaged in the store", refused.Text, StringComparison.Ordinal);
        Answer asked = await viewer.PostAsync(Orders + "/redrive", Page);
        Assert.Contains("Redrive 2 dead letters?", asked.Text, StringComparison.Ordinal);
        Assert.Contains("1 damaged letter is left", asked.Text, StringComparison.Ordinal);
        Assert.Contains("Discard 3 dead letters?", (await viewer.PostAsync(Orders + "/discard", Page)).Text, StringComparison.Ordinal);
        Assert.Equal(3, (await letters.ListAsync()).Count);
    }

    [Fact]
    public async Task ARedriveLeavesTheLettersOfADamagedPartition()
    {
        await new Letters(store).AddAsync("first", "second");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = new DamagedPartitionStore(store) }
        });
        using Viewer viewer = program.NewViewer();
        Answer done = await viewer.PostAsync(Orders + "/redrive", Page, ("last", "2"));
        Assert.Contains("0 letters redriven. Left because of damaged partitions: 2 letters.",
            (await viewer.GetAsync(done.Headers["Location"]["/sluice".Length..])).Text, StringComparison.Ordinal);
        Assert.Contains("0 redriven; 2 left because of damage in the store: partition 0", (await viewer.GetAsync("/audit")).Text,
            StringComparison.Ordinal);
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private sealed class DamagedPartitionStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override ValueTask<int> RedriveAsync(GroupId group, IReadOnlyList<long> numbers, CancellationToken cancellation = default)
            => throw new StreamStoreException("The partition 0 is damaged.") { Stream = group.Stream, Partition = 0, IsPermanent = true };
    }

    private sealed class DamagedStore(IStreamStore inner, long number) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
            int max = 100, CancellationToken cancellation = default)
            => [.. (await base.ListDeadAsync(group, node, after, max, cancellation)).Select(letter => letter.Number != number ? letter
                : letter with { Entry = new() { Sequence = letter.Root }, IsUnreadable = true })];
    }
}

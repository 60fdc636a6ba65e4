namespace Sluice.Dashboard.Tests.Http;

/// <summary>More dead letters than a question counts.</summary>
public sealed class ManyLettersTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task AQuestionSaysThatItIsAboutTheFirstMillion()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = new FullStore(store) }
        });
        using Viewer viewer = program.NewViewer();
        string text = (await viewer.PostAsync("/consecutors/orders/discard", "/consecutors/orders/dead/1")).Text;
        Assert.Contains("<h1>Discard the first 1,000,000 dead letters?</h1>", text, StringComparison.Ordinal);
        Assert.Contains("<p>Discard the first 1,000,000 dead letters of orders (all of them)?", text, StringComparison.Ordinal);
    }

    // Its only letter comes again and again.
    private sealed class FullStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override async ValueTask<IReadOnlyList<StoredDeadLetter>> ListDeadAsync(GroupId group, string? node = null, long after = 0,
            int max = 100, CancellationToken cancellation = default)
        {
            StoredDeadLetter one = (await base.ListDeadAsync(group, node, 0, 1, cancellation))[0];
            return [.. Enumerable.Range(1, max).Select(i => one with { Number = after + i })];
        }
    }
}

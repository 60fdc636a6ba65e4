namespace Sluice.Dashboard.Tests.Http;

/// <summary>Filters of dead letters that cannot be meant.</summary>
public sealed class LetterFilterTests : IAsyncDisposable
{
    private const string Page = "/consecutors/orders/dead";

    private readonly MemoryStreamStore store = new();

    [Fact]
    public async Task AFilterWhoseTimeIsNoTimeSaysSo()
    {
        await new Letters(store).AddAsync("one");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        foreach (string page in (string[])[Page + "?since=yesterday", Page + ".jsonl?before=%00"])
        {
            Answer answer = await viewer.GetAsync(page);
            Assert.Equal((HttpStatusCode.BadRequest, true), (answer.Status, answer.Text.Contains("is no time", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task AFilterThatIsTooLongIsRefusedWithASentenceAndChangesNothing()
    {
        var letters = new Letters(store);
        await letters.AddAsync("one");
        await using DashboardProgram program = await StartAsync();
        using Viewer viewer = program.NewViewer();
        string longer = new('x', 2001);
        foreach (string page in (string[])[$"{Page}?text={longer}", $"{Page}?by=error&node={longer}", $"{Page}.jsonl?error={longer}"])
        {
            Answer answer = await viewer.GetAsync(page);
            Assert.Equal((HttpStatusCode.BadRequest, true), (answer.Status, answer.Text.Contains("has 2,001 characters",
                StringComparison.Ordinal)));
        }
        Answer posted = await viewer.PostAsync("/consecutors/orders/discard", Page, ("text", new string('x', 600_000)), ("last", "9"));
        Assert.Equal(HttpStatusCode.BadRequest, posted.Status);
        Assert.InRange(posted.Text.Length, 1, 5_000);
        Assert.Single(await letters.ListAsync());
    }

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private Task<DashboardProgram> StartAsync()
        => DashboardProgram.StartAsync(new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = store } });
}

using Sluice.Storage;

namespace Sluice.Dashboard.Tests.Http;

/// <summary>The store fails in the midst of an action: the page and the audit say what was done.</summary>
public sealed class FailingActionTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task ADiscardOfManyLettersSaysHowFarItCame()
    {
        var letters = new Letters(store);
        await letters.AddAsync(Enumerable.Range(0, 250).Select(static i => new Letter($"{i}")));
        int steps = 0;
        await using DashboardProgram program = await StartAsync(name => name == nameof(IStreamStore.DeleteDeadAsync) && ++steps == 2);
        using Viewer viewer = program.NewViewer();
        Answer broken = await viewer.PostAsync("/consecutors/orders/discard", "/consecutors/orders/dead", ("last", "250"));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, broken.Status);
        Assert.Contains("The store has failed: The disk is gone. So far, 100 dead letters were discarded. Do it again for the others.",
            broken.Text, StringComparison.Ordinal);
        Assert.Equal(150, (await letters.ListAsync()).Count);
        Assert.Contains(">100 discarded, then failed: The disk is gone.<", (await viewer.GetAsync("/audit")).Text,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AChangeThatWasMadeIsNoFailureIfTheAuditCannotNoteIt(bool isDisposed)
    {
        var letters = new Letters(store);
        await letters.AddAsync("one", "two");
        int lines = 0;
        await using DashboardProgram program = await StartAsync(name => name == nameof(IStreamStore.AppendAsync) && ++lines == 2,
            isDisposed ? new ObjectDisposedException("store") : null);
        using Viewer viewer = program.NewViewer();
        Answer done = await viewer.PostAsync("/consecutors/orders/discard", "/consecutors/orders/dead", ("number", "1"));
        Assert.Equal(HttpStatusCode.SeeOther, done.Status);
        Assert.Single(await letters.ListAsync());
        Assert.Contains("Discard the dead letter 1", (await viewer.GetAsync("/audit")).Text, StringComparison.Ordinal);
    }

    /// <summary>The letter is deleted when the edited text is sent.</summary>
    [Fact]
    public async Task ATextThatIsNoJsonDoesNotTakeThePlaceOfAPayloadThatWas()
    {
        var letters = new Letters(store);
        await letters.AddAsync("{\"Id\":1,\"Sum\":5}", "no JSON");
        await using DashboardProgram program = await StartAsync(static _ => false);
        using Viewer viewer = program.NewViewer();
        Answer refused = await viewer.PostAsync("/consecutors/orders/edit", "/consecutors/orders/dead/1", ("number", "1"),
            ("payload", "{ no"));
        Assert.Equal(HttpStatusCode.BadRequest, refused.Status);
        Assert.Contains("The payload was JSON, and the text is not:", refused.Text, StringComparison.Ordinal);
        Assert.Equal(2, (await letters.ListAsync()).Count);
        Answer sent = await viewer.PostAsync("/consecutors/orders/edit", "/consecutors/orders/dead/1", ("number", "1"), ("payload", "{}"));
        Assert.Equal(HttpStatusCode.SeeOther, sent.Status);
        Assert.Contains("as: {}; the payload was: {&quot;Id&quot;:1,&quot;Sum&quot;:5}", (await viewer.GetAsync("/audit")).Text,
            StringComparison.Ordinal);
        await using DashboardProgram masked = await DashboardProgram.StartAsync(new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            MaskPayload = static (_, _) => "***",
        });
        using Viewer reader = masked.NewViewer();
        string seen = (await reader.GetAsync("/audit")).Text;
        Assert.Contains(">Edit the dead letter 1 of orders and send it again<", seen, StringComparison.Ordinal);
        Assert.DoesNotContain("Sum", seen, StringComparison.Ordinal);
        sent = await viewer.PostAsync("/consecutors/orders/edit", "/consecutors/orders/dead/2", ("number", "2"), ("payload", "nor this"));
        Assert.Equal(HttpStatusCode.SeeOther, sent.Status);
    }

    /// <summary>A text of a filter is a part of a payload. A loss is no such part.</summary>
    [Theory]
    [InlineData("text")]
    [InlineData("node", "text")]
    public async Task AMaskedAuditShowsNoTextOfAFilter(params string[] filter)
    {
        var letters = new Letters(store);
        await letters.AddAsync([new Letter("the card 4111", "Check")]);
        DashboardOptions options = new()
        {
            Stores = new Dictionary<string, IStreamStore> { ["main"] = store },
            OpenToChange = (_, _) => ValueTask.FromResult<IStreamStore>(new LossyStore(store)),
        };
        await using DashboardProgram program = await DashboardProgram.StartAsync(options),
            masked = await DashboardProgram.StartAsync(options with { MaskPayload = static (_, _) => "***" });
        using Viewer viewer = program.NewViewer(), reader = masked.NewViewer();
        Answer done = await viewer.PostAsync("/consecutors/orders/redrive", "/consecutors/orders/dead",
            [("last", "1"), .. filter.Select(static name => (name, name == "text" ? "card 4111" : "Check"))]);
        Assert.Equal(HttpStatusCode.SeeOther, done.Status);
        Assert.Empty(await letters.ListAsync());
        Assert.Contains("4111", (await viewer.GetAsync("/audit")).Text, StringComparison.Ordinal);
        string seen = WebUtility.HtmlDecode((await reader.GetAsync("/audit")).Text);
        Assert.DoesNotContain("4111", seen, StringComparison.Ordinal);
        Assert.Contains("text '…<", seen, StringComparison.Ordinal);
        Assert.Contains("Two writes are lost.", seen, StringComparison.Ordinal);
    }

    private sealed class LossyStore(IStreamStore inner) : StreamStoreWrapper(inner, leaveOpen: true)
    {
        public override string? Loss => "Two writes are lost.";
    }

    private Task<DashboardProgram> StartAsync(Func<string, bool> fails, Exception? failure = null)
    {
        var watched = new WatchedStore(store);
        watched.Before = name => watched.Failure = fails(name) ? failure ?? new StreamStoreException("The disk is gone.") : null;
        return DashboardProgram.StartAsync(new() { Stores = new Dictionary<string, IStreamStore> { ["main"] = watched } });
    }
}

using System.Diagnostics;
using Sluice.Storage;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>The spans of nodes: where they end, and what failures they show.</summary>
[Collection(SpanTests.Name)]
public sealed class NodeTraceTests : IAsyncDisposable
{
    private readonly MemoryStreamStore store = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    [Fact]
    public async Task TheSpanOfANodeEndsBeforeTheNodesBehindItBegin()
    {
        using var log = new SpanLog();
        await RunAsync(source => source.Select(n => n) | Stage.Named("first") | (_ => LetTheClockGoOn()) | Stage.Named("second"));

        Assert.True(log["node first"].StartTimeUtc + log["node first"].Duration <= log["node second"].StartTimeUtc);

        static void LetTheClockGoOn()
        {
            DateTime before = DateTime.UtcNow;
            while (DateTime.UtcNow <= before) { }
        }
    }

    [Theory]
    [InlineData(ErrorPolicy.Skip, "process a")]
    [InlineData(ErrorPolicy.DeadLetter, "process a ! System.FormatException")]
    public async Task AFailureThatTheNodePutsAsideIsAnErrorOfItsSpan(ErrorPolicy policy, string process)
    {
        using var log = new SpanLog();
        await RunAsync(source => source | (_ => throw new FormatException("no")) | Stage.Named("end") | Stage.OnError(policy));

        Assert.Equal($"""
            send a
              {process}
                commit a
                node end ! _OTHER
            """, log.Tree, ignoreLineEndingDifferences: true);
    }

    [Fact]
    public async Task TheErrorOfANodeDoesNotShowTheItem()
    {
        using var log = new SpanLog();
        await RunAsync(source => source.Select(n => n + 4710) | Stage.Named("secret") | (n => throw new FormatException("no"))
            | Stage.Named("end"), DeliveryGuarantee.Replay(1, Backoff.None));

        Activity[] failed = [.. log.Spans.Where(static span => span.DisplayName == "node end")];
        Assert.Equal(2, failed.Length);
        Assert.All(failed, static span => Assert.Equal((ActivityStatusCode.Error, "no"), (span.Status, span.StatusDescription)));
        Assert.DoesNotContain(log.Spans, static span => span.StatusDescription?.Contains("4711", StringComparison.Ordinal) == true);
    }

    [Fact]
    public async Task CodeThatChoosesABranchHasTheSpanOfTheAttempt()
    {
        using var log = new SpanLog();
        List<string?> inside = [];
        await RunAsync(source => source.Select(n => n) | Stage.Named("first") | Pipe.Of<int>().Route(_ =>
        {
            inside.Add(Activity.Current?.DisplayName);
            return "odd";
        }, ("odd", static branch => branch)) | (_ => { }));

        Assert.Equal(["process a"], inside);
    }

    [Fact]
    public async Task NodesOfBranchesThatAreJoinedAreInTheTrace()
    {
        using var log = new SpanLog();
        await RunAsync(static source => source.ForkJoin(
            static one => one.Select(static n => n) | Stage.Named("left"), static two => two.Select(static n => n) | Stage.Named("right"),
            static (n, one, two) => n) | Stage.Named("join") | (_ => { }) | Stage.Named("end"));

        ActivitySpanId process = log["process a"].SpanId;
        Assert.Equal(["node end", "node left", "node right"], log.Spans.Where(span => span.ParentSpanId == process
            && span.DisplayName is "node left" or "node right" or "node end").Select(static span => span.DisplayName).Order());
    }

    private async Task RunAsync(Func<Source<int>, Pipeline> body, DeliveryGuarantee? delivery = null)
    {
        var options = new ConsecutorOptions { Store = store };
        if (delivery is not null) options = options with { Delivery = delivery };
        await using var consecutor = new Consecutor<int>("a", body, options);
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAsync(1, Cancellation);
        await consecutor.WaitForIdleAsync(Cancellation);
    }
}

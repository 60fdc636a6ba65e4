using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Nodes that fail when they are to put out what they hold at the end of the input.</summary>
public class FailingEndTests
{
    private readonly Ledger ledger = new();
    private int failures;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANodeThatFailsAtTheEndOfTheInputIsRetried(bool hasKeys)
    {
        await using var store = new MemoryStreamStore();
        failures = 2;
        await using Consecutor<int> consecutor = Make(store, hasKeys, DeliveryGuarantee.Replay(2, Backoff.None));
        await SendAsync(consecutor);
        ConsecutorSnapshot end = await consecutor.WaitForIdleAsync(Cancellation);
        Assert.Equal((0L, 0L, null), (end.Dead, end.Unaccounted, end.Problem));
        Check(hasKeys);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ANodeThatKeepsFailingAtTheEndStopsTheConsecutorUntilItIsMended(bool hasKeys)
    {
        await using var store = new MemoryStreamStore();
        failures = int.MaxValue;
        await using (Consecutor<int> broken = Make(store, hasKeys, DeliveryGuarantee.Replay(2, Backoff.None)))
        {
            await SendAsync(broken);
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => broken.Completion);
            Assert.Equal(
                "The node 'node' has failed at the end of the input of partition 0, 3 times: FormatException: no result. The consecutor "
                    + "work has stopped. "
                + "Nothing of that end was committed, and what the node holds is in the store: mend the node, and restart the process, "
                + "or make a new consecutor of this name: it goes on with the end.", failure.Message);
            Assert.Equal(int.MaxValue - 3, failures);
            Assert.Empty(ledger.Lines);
        }
        failures = 0;
        await using Consecutor<int> mended = Make(store, hasKeys, DeliveryGuarantee.Replay(0));
        await mended.StartAsync(Cancellation);
        await mended.WaitForIdleAsync(Cancellation);
        Check(hasKeys);
    }

    [Fact]
    public async Task ANodeThatFailsAtTheEndIsReportedAndRetriedAfterTheBackoff()
    {
        TestClock clock = new();
        await using var store = new MemoryStreamStore(clock);
        failures = 1;
        await using Consecutor<int> consecutor = Make(store, hasKeys: false,
            DeliveryGuarantee.Replay(1, Backoff.Constant(TimeSpan.FromMinutes(10))), clock);
        await SendAsync(consecutor);
        await Member.UntilAsync(() => consecutor.Snapshot()
            .Problem?.Contains(
            "'node' has failed at the end of the input of partition 0, 1 time: FormatException: no result. It is asked again.",
                StringComparison.Ordinal) == true);
        clock.Advance(TimeSpan.FromMinutes(4));
        Assert.Equal(0, failures);
        Assert.Empty(ledger.Lines);
        while (ledger.Lines.Count == 0)
        {
            clock.Advance(TimeSpan.FromMinutes(1));
            await Member.NextAsync();
        }
        await consecutor.WaitForIdleAsync(Cancellation);
        Check(hasKeys: false);
    }

    private static async Task SendAsync(Consecutor<int> consecutor)
    {
        await consecutor.StartAsync(Cancellation);
        await consecutor.SendAllAsync([1, 2, 3, 4], Cancellation);
        await consecutor.CompleteAsync(Cancellation);
    }

    private void Check(bool hasKeys) => Assert.Equal(hasKeys ? ["0=6", "1=4"] : ["10"], ledger.Lines.Order());

    private void Fail()
    {
        if (failures <= 0) return;
        failures--;
        throw new FormatException("no result");
    }

    private Consecutor<int> Make(IStreamStore store, bool hasKeys, DeliveryGuarantee delivery, TimeProvider? time = null)
    {
        ConsecutorOptions options = new()
        {
            Store = store,
            Delivery = delivery,
            Stream = new() { Partitions = 1 },
            Process = new(),
            Run = new() { Time = time ?? TimeProvider.System }
        };
        return hasKeys
            ? new("work", source => source | StageNode.Of(() => new Total(this)) | Stage.Named("node") | ledger.Sink<string>(),
            options)
            { Key = static n => $"{n % 2}" }
            : new("work", source => source.Aggregate(0, static (sum, n) => sum + n, Result) | Stage.Named("node") | ledger.Sink<string>(),
                options);
    }

    private string Result(int sum)
    {
        Fail();
        return $"{sum}";
    }

    private sealed class Total(FailingEndTests test) : StatefulStageNode<int, string, int>
    {
        protected override ValueTask ProcessAsync(int item, Output<string> output, CancellationToken cancellation)
        {
            State += item;
            return default;
        }

        protected override async ValueTask EndKeyAsync(Output<string> output, CancellationToken cancellation)
        {
            await output.PushAsync($"{Key}={State}");
            if (Key == "1") test.Fail();             // another key has put something out
            RemoveState();
        }
    }
}

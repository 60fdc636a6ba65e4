using Sluice.Diagnostics;
using Sluice.Storage;
using Sluice.Testing;

namespace Sluice.Tests.Delivery;

/// <summary>Two consecutors of one name in one process: the second is refused as long as the first one runs.</summary>
public class TwiceRunningTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ADuplicateConsecutorIsRefusedUntilTheFirstHasEnded()
    {
        await using var store = new MemoryStreamStore();
        var let = new TaskCompletionSource();
        await using Consecutor<int> first = New(store, _ => let.Task);
        await first.StartAsync(Cancellation);
        await first.SendAsync(1, Cancellation);

        await using Consecutor<int> second = New(store, _ => Task.CompletedTask);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => second.StartAsync(Cancellation));
        Assert.Equal(
            "A consecutor numbers is at work in this process already (Running), over the same store and as the same member 'me': this one "
                + "would take everything from it. "
            + "Stop that one first; or, if they are to share the work, give each its own ConsecutorOptions.InstanceId.", failure.Message);

        // The first keeps its partitions, and neither has failed.
        let.SetResult();
        Assert.Equal(1, (await first.WaitForIdleAsync(Cancellation)).Completed);
        Assert.Equal((ConsecutorStatus.Running, null), (first.Snapshot().Status, first.Snapshot().Problem));
        Assert.Equal(ConsecutorStatus.Created, second.Snapshot().Status);
        Assert.False(second.Completion.IsCompleted);

        await first.StopAsync();
        await second.StartAsync(Cancellation);
        await second.SendAsync(2, Cancellation);
        Assert.Equal(2, (await second.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Theory]
    [InlineData("dispose")]
    [InlineData("abandon")]
    [InlineData("fail")]
    [InlineData("fail at the start")]
    public async Task ASecondConsecutorMayStartHoweverTheFirstHasEnded(string how)
    {
        await using var store = new MemoryStreamStore();
        var failing = new FailingStore(store) { FailsToJoin = how == "fail at the start" };
        await using Consecutor<int> first = New(failing, _ => Task.CompletedTask);
        if (how == "fail")
        {
            await first.SendAsync(1, Cancellation);         // before the start: no send meets the end
            failing.IsClosed = true;
        }
        if (failing.FailsToJoin) await Assert.ThrowsAsync<StreamStoreException>(() => first.StartAsync(Cancellation));
        else await first.StartAsync(Cancellation);
        failing.FailsToJoin = false;
        if (how == "dispose") await first.DisposeAsync();
        else if (how == "abandon") await first.AbandonAsync();
        else if (how == "fail")
        {
            while (first.Snapshot().Status != ConsecutorStatus.Failed) await Task.Yield();          // and maybe not at its end yet
            failing.IsClosed = false;
        }

        await using Consecutor<int> second = New(failing, _ => Task.CompletedTask);
        await second.StartAsync(Cancellation);
        await second.SendAsync(2, Cancellation);
        Assert.Equal(how == "fail" ? 2 : 1, (await second.WaitForIdleAsync(Cancellation)).Completed);
    }

    [Fact]
    public async Task ALateHeartbeatOfAnEndedConsecutorDoesNotBlockItsSuccessor()
    {
        await using var memory = new MemoryStreamStore();
        var store = new LateStore(memory);
        await using Consecutor<int> first = New(store, _ => Task.CompletedTask);
        await first.StartAsync(Cancellation);
        await first.AbandonAsync();

        await using Consecutor<int> second = New(store, _ => Task.CompletedTask);
        await second.StartAsync(Cancellation);
        Assert.Equal(ConsecutorStatus.Running, second.Snapshot().Status);
        Assert.True(store.IsLateDone);
    }

    [Theory]
    [InlineData("numbers", "me", true)]
    [InlineData("numbers", "you", false)]
    [InlineData("letters", "me", false)]
    public async Task AConsecutorWithAnotherNameMemberOrStoreMayStart(string name, string member, bool otherStore)
    {
        await using var store = new MemoryStreamStore();
        await using var another = new MemoryStreamStore();
        await using Consecutor<int> first = New(store, _ => Task.CompletedTask);
        await using Consecutor<int> second = New(otherStore ? another : store, _ => Task.CompletedTask, name, member);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        Assert.Equal(ConsecutorStatus.Running, second.Snapshot().Status);
    }

    [Fact]
    public async Task ASenderWhoseProducerWasTakenOverFailsAndNamesTheMember()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> first = New(store, _ => Task.CompletedTask);
        await using Consecutor<int> second = New(store, _ => Task.CompletedTask);
        await first.SendAsync(1, Cancellation);
        await second.SendAsync(2, Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await first.SendAsync(3, Cancellation));
        Assert.Equal(
            "Somebody else has opened the producer 'me/send' of numbers since: another consecutor of this name sends to the same store as "
                + "the same member 'me'. "
            + "The items were not accepted. Let one of them end before the next one sends, or give each its own "
            + "ConsecutorOptions.InstanceId.", failure.Message);
    }

    /// <summary>The default member is one name for the process. A second consecutor that only sends, such as one of a web part, is no
    /// mistake.</summary>
    [Fact]
    public async Task TwoConsecutorsOfTheDefaultMemberSendInTurns()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> works = New(store, _ => Task.CompletedTask, member: new ConsecutorOptions().InstanceId);
        await works.StartAsync(Cancellation);
        for (int times = 0; times < 2; times++)
        {
            await using Consecutor<int> sends = New(store, _ => Task.CompletedTask, member: new ConsecutorOptions().InstanceId);
            for (int n = 0; n < 4; n++)
            {
                await works.SendAsync(n, Cancellation);
                await sends.SendAsync(n, Cancellation);
                Assert.Equal(SendStatus.Accepted, (await works.TrySendAsync(n, cancellation: Cancellation)).Status);
                Assert.Equal(SendStatus.Accepted, (await sends.TrySendAsync(n, cancellation: Cancellation)).Status);
            }
        }
        Assert.Equal(32, (await store.FindStreamAsync("numbers", Cancellation))!.Appended);
    }

    private static Consecutor<int> New(IStreamStore store, Func<int, Task> work, string name = "numbers", string member = "me")
        => new(name, source => source.ForEachAsync(async (item, _, _) => await work(item)),
        new() { Store = store, InstanceId = member, Stream = new() { Partitions = 2 } });

    /// <summary>Sends the first heartbeat once more, just before a second instance takes the name.</summary>
    private sealed class LateStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private HeartbeatRequest? first;

        public bool IsLateDone { get; private set; }

        public override async ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
        {
            first ??= request;
            if (request.Replaces is not null && !IsLateDone)
            {
                IsLateDone = true;
                Assert.Equal(HeartbeatStatus.Accepted, (await base.HeartbeatAsync(first, cancellation)).Status);
            }
            return await base.HeartbeatAsync(request, cancellation);
        }
    }

    private sealed class FailingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        private volatile bool hasRefused;

        public bool FailsToJoin { get; set; }

        public bool IsClosed { get; set; }

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
        {
            hasRefused |= IsClosed;
            return IsClosed ? throw new ObjectDisposedException("store") : base.LeaseAsync(request, cancellation);
        }

        // The start asks for the time, too.
        public override ValueTask<DateTimeOffset> GetTimeAsync(CancellationToken cancellation = default)
            => IsClosed && hasRefused ? throw new ObjectDisposedException("store") : base.GetTimeAsync(cancellation);

        public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
            => FailsToJoin ? throw new StreamStoreException("no") : base.HeartbeatAsync(request, cancellation);
    }
}

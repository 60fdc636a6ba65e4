using Sluice.Testing;

namespace Sluice.Tests.Deliveries;

/// <summary>Two consecutors of one name in one process: the second is refused as long as the first one is at work.</summary>
public class TwiceRunningTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task ASecondOneOfTheSameNameAndMemberIsRefusedUntilTheFirstHasEnded()
    {
        await using var store = new MemoryStreamStore();
        var let = new TaskCompletionSource();
        await using Consecutor<int> first = New(store, _ => let.Task);
        await first.StartAsync(Cancellation);
        await first.SendAsync(1, Cancellation);

        await using Consecutor<int> second = New(store, _ => Task.CompletedTask);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => second.StartAsync(Cancellation));
        Assert.Equal(
            "A consecutor numbers is at work in this process already (Running), over the same store and as the same member 'me': this one would take everything from it. "
            + "Stop that one first; or, if they are to share the work, give each its own ConsecutorOptions.Member.", failure.Message);

        // Nobody was robbed, and nobody has failed.
        let.SetResult();
        Assert.Equal(1, (await first.IdleAsync(Cancellation)).Completed);
        Assert.Equal((ConsecutorState.Running, null), (first.Snapshot().State, first.Snapshot().Problem));
        Assert.Equal(ConsecutorState.Created, second.Snapshot().State);
        Assert.False(second.Completion.IsCompleted);

        await first.StopAsync();
        await second.StartAsync(Cancellation);
        await second.SendAsync(2, Cancellation);
        Assert.Equal(2, (await second.IdleAsync(Cancellation)).Completed);
    }

    [Theory]
    [InlineData("dispose")]
    [InlineData("abandon")]
    [InlineData("fail")]
    [InlineData("fail at the start")]
    public async Task HoweverTheFirstEndsTheSecondMayStart(string how)
    {
        await using var store = new MemoryStreamStore();
        var failing = new FailingStore(store) { FailsToJoin = how == "fail at the start" };
        await using Consecutor<int> first = New(failing, _ => Task.CompletedTask);
        if (failing.FailsToJoin) await Assert.ThrowsAsync<StreamStoreException>(() => first.StartAsync(Cancellation));
        else await first.StartAsync(Cancellation);
        failing.FailsToJoin = false;
        if (how == "dispose") await first.DisposeAsync();
        else if (how == "abandon") await first.AbandonAsync();
        else if (how == "fail")
        {
            failing.IsClosed = true;
            await first.SendAsync(1, Cancellation);
            while (first.Snapshot().State != ConsecutorState.Failed) await Task.Yield();          // and maybe not at its end yet
            failing.IsClosed = false;
        }

        await using Consecutor<int> second = New(failing, _ => Task.CompletedTask);
        await second.StartAsync(Cancellation);
        await second.SendAsync(2, Cancellation);
        Assert.Equal(how == "fail" ? 2 : 1, (await second.IdleAsync(Cancellation)).Completed);
    }

    [Theory]
    [InlineData("numbers", "me", true)]
    [InlineData("numbers", "you", false)]
    [InlineData("letters", "me", false)]
    public async Task OthersAreWelcomeUnlessAllIsTheSame(string name, string member, bool otherStore)
    {
        await using var store = new MemoryStreamStore();
        await using var another = new MemoryStreamStore();
        await using Consecutor<int> first = New(store, _ => Task.CompletedTask);
        await using Consecutor<int> second = New(otherStore ? another : store, _ => Task.CompletedTask, name, member);
        await first.StartAsync(Cancellation);
        await second.StartAsync(Cancellation);
        Assert.Equal(ConsecutorState.Running, second.Snapshot().State);
    }

    [Fact]
    public async Task WhoseSendsAreTakenOverIsToldOfTheMember()
    {
        await using var store = new MemoryStreamStore();
        await using Consecutor<int> first = New(store, _ => Task.CompletedTask);
        await using Consecutor<int> second = New(store, _ => Task.CompletedTask);
        await first.SendAsync(1, Cancellation);
        await second.SendAsync(2, Cancellation);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(async () => await first.SendAsync(3, Cancellation));
        Assert.Equal(
            "Somebody else has opened the producer 'me/send' of numbers since: another consecutor of this name sends to the same store as the same member 'me'. "
            + "The items were not accepted. Let one of them end before the next one sends, or give each its own ConsecutorOptions.Member.", failure.Message);
    }

    private static Consecutor<int> New(IStreamStore store, Func<int, Task> work, string name = "numbers", string member = "me")
        => new(name, source => source.ForEachAsync(async (item, _, _) => await work(item)), new() { Store = store, Member = member, Stream = new() { Partitions = 2 } });

    private sealed class FailingStore(IStreamStore inner) : StreamStoreWrapper(inner)
    {
        public bool FailsToJoin { get; set; }

        public bool IsClosed { get; set; }

        public override ValueTask<LeaseResult> LeaseAsync(LeaseRequest request, CancellationToken cancellation = default)
            => IsClosed ? throw new ObjectDisposedException("store") : base.LeaseAsync(request, cancellation);

        public override ValueTask<HeartbeatResult> HeartbeatAsync(HeartbeatRequest request, CancellationToken cancellation = default)
            => FailsToJoin ? throw new StreamStoreException("no") : base.HeartbeatAsync(request, cancellation);
    }
}

using Sluice.Testing;
using StackExchange.Redis;

namespace Sluice.Redis.Tests;

/// <summary>When a call without an answer is given up. A connection answers in the order of the calls.</summary>
public class AnswerTrackerTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1), Limit = 4 * Second;

    private readonly TestClock clock = new();
    private readonly AnswerTracker tracker;
    private readonly List<long> missed = [];

    public AnswerTrackerTests() => tracker = new(clock);

    [Fact]
    public async Task ACallWaitsWhileCallsBeforeItAreAnswered()
    {
        TaskCompletionSource<int>[] answers = [.. Enumerable.Range(0, 10).Select(_ => new TaskCompletionSource<int>())];
        Task<int>[] calls = [.. answers.Select(Call)];
        for (int i = 0; i < 9; i++)
        {
            Pass(3);
            if (i % 2 == 0) answers[i].SetResult(i);
            else answers[i].SetException(new RedisServerException("refused"));
        }
        Assert.False(calls[^1].IsCompleted);

        Pass(3);
        Assert.False(calls[^1].IsCompleted);
        Pass(1);                                     // four seconds after the last answer

        await Assert.ThrowsAsync<TimeoutException>(() => calls[^1]);
    }

    [Fact]
    public async Task ACallWhoseCallerHasGivenUpCountsAsAnswered()
    {
        using var end = new CancellationTokenSource();
        TaskCompletionSource<int> first = new(), second = new();
        Task<int> left = Call(first, end.Token), call = Call(second);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Pass(3);
        first.SetResult(1);
        Pass(3);
        second.SetResult(2);

        Assert.Equal(2, await call);
    }

    [Fact]
    public async Task ALostAnswerIsNoticedWhileLaterCallsAreAnswered()
    {
        Task<int> lost = Call(new());
        for (int i = 0; i < 4; i++)
        {
            Assert.False(lost.IsCompleted);
            var later = new TaskCompletionSource<int>();
            _ = Call(later);
            later.SetResult(i);
            Pass(1);
        }

        await Assert.ThrowsAsync<TimeoutException>(() => lost);
        Assert.Empty(missed);                        // the server is there
    }

    [Fact]
    public async Task ASilenceIsNoticedAfterItsTimeAndFromItsBegin()
    {
        TaskCompletionSource<int> first = new(), second = new();
        Task<int> one = Call(first), two = Call(second);
        Pass(1);
        Assert.Equal(2, missed.Count);
        first.SetResult(1);
        long answered = clock.GetTimestamp();
        Pass(2);
        Assert.Equal(answered, missed[^1]);
        second.SetResult(2);

        Assert.Equal(3, await one + await two);
    }

    /// <remarks>Formerly the <c>WAIT</c> of a write was numbered when the write was answered. The calls that were sent meanwhile then
    /// passed for lost.</remarks>
    [Fact]
    public async Task ACallThatIsWaitedForLaterIsNumberedWhenItIsSent()
    {
        TaskCompletionSource<int> write = new(), confirmation = new(), last = new();
        Task<int> writing = Call(write);
        long number = tracker.Begin();
        Task<int> behind = Call(last);
        write.SetResult(1);
        Assert.Equal(1, await writing);
        Task<int> confirming = Call(confirmation, number, default);
        Pass(3);
        confirmation.SetResult(2);
        Assert.Equal(2, await confirming);
        Pass(3);
        Assert.False(behind.IsCompleted);
        last.SetResult(3);

        Assert.Equal(3, await behind);
    }

    private Task<int> Call(TaskCompletionSource<int> answer) => Call(answer, default);

    private Task<int> Call(TaskCompletionSource<int> answer, CancellationToken cancellation)
        => Call(answer, tracker.Begin(), cancellation);

    private Task<int> Call(TaskCompletionSource<int> answer, long number, CancellationToken cancellation)
        => tracker.WaitAsync(answer.Task, number, Limit, Second, missed.Add, cancellation);

    private void Pass(int seconds)
    {
        for (int i = 0; i < seconds; i++) clock.Advance(Second);
    }
}

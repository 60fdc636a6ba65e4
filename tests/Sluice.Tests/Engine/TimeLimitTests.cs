namespace Sluice.Tests.Engine;

/// <summary>Time limits of the library's own waits.</summary>
public class TimeLimitTests
{
    /// <remarks>An exception in the callback of a timer ends the process.</remarks>
    [Fact]
    public void ATimerThatFiresAfterTheDisposalDoesNothing()
    {
        var clock = new LateClock();
        var limit = new TimeLimit(TimeSpan.FromSeconds(1), clock, CancellationToken.None);
        CancellationToken token = limit.Token;
        limit.Dispose();
        clock.Fire!();
        Assert.False(token.IsCancellationRequested);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void TheTokenIsCancelledByTheTimeAndByTheOtherToken(bool isTime)
    {
        var clock = new LateClock();
        using var other = new CancellationTokenSource();
        using var limit = new TimeLimit(TimeSpan.FromSeconds(1), clock, other.Token);
        Assert.False(limit.Token.IsCancellationRequested);
        if (isTime) clock.Fire!();
        else other.Cancel();
        Assert.True(limit.Token.IsCancellationRequested);
    }

    /// <summary>A clock whose timer fires when the test wants, also after its disposal.</summary>
    private sealed class LateClock : TimeProvider
    {
        public Action? Fire { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Fire = () => callback(state);
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() { }

            public ValueTask DisposeAsync() => default;
        }
    }
}

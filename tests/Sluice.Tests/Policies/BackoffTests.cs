using Sluice.Flows;

namespace Sluice.Tests.Policies;

/// <summary>The longest wait of a backoff, also where the first one is long.</summary>
public class BackoffTests
{
    [Fact]
    public void AFirstWaitAboveAMinuteIsNotCut()
    {
        var backoff = Backoff.Exponential(TimeSpan.FromMinutes(10), jitter: 0);
        Assert.Equal(TimeSpan.FromMinutes(10), backoff.WaitBefore(1, Random.Shared));
        Assert.Equal(TimeSpan.FromMinutes(10), backoff.WaitBefore(5, Random.Shared));
        Assert.Equal(TimeSpan.FromMinutes(1), Backoff.Exponential(TimeSpan.FromSeconds(40), jitter: 0).WaitBefore(2, Random.Shared));
    }

    [Fact]
    public void ALongestWaitBelowTheFirstOneIsRefused()
    {
        var failure = Assert.Throws<ArgumentOutOfRangeException>(() => Backoff.Exponential(TimeSpan.FromMinutes(10),
            TimeSpan.FromMinutes(5)));
        Assert.Equal("max", failure.ParamName);
        Assert.Contains("The maximum wait is shorter than the first one, 00:10:00.", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(300, null, 300)]
    [InlineData(1, null, 60)]
    [InlineData(300, 20.0, 20)]
    public void TheLongestPauseOfAProcessorIsItsDelayIfThatIsLonger(double delay, double? max, double longest)
    {
        var retry = new ProcessorRetry(5) { Delay = TimeSpan.FromSeconds(delay) };
        if (max is { } given) retry = retry with { MaxDelay = TimeSpan.FromSeconds(given) };
        Assert.Equal(longest, retry.MaxDelay.TotalSeconds);
        Assert.Equal(retry, RetryPlan.Of(retry)!.ToRetry());
        Assert.InRange(RetryPlan.Of(retry)!.PauseAfter(20).TotalSeconds, longest / 2, longest);
    }
}

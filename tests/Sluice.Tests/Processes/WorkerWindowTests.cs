using Sluice.Processes;
using Sluice.Testing;

namespace Sluice.Tests.Processes;

/// <summary>How many items a worker process has in flight.</summary>
public class WorkerWindowTests
{
    private readonly TestClock clock = new();

    [Fact]
    public void AWorkerThatDoesNotAnswerGetsNoMoreItems()
    {
        WorkerWindow window = Grown(null);
        window.Begin();
        Assert.True(window.HasRoom(100));
        for (int i = 0; i < 6; i++)
        {
            clock.Advance(TimeSpan.FromMilliseconds(10));
            window.Send();                           // what it is sent is no answer
        }
        Assert.False(window.HasRoom(1));

        window.Answer(1);
        Assert.True(window.HasRoom(0));
        clock.Advance(TimeSpan.FromHours(1));        // a rest
        window.Begin();
        Assert.True(window.HasRoom(1));
    }

    [Fact]
    public void AFixedNumberIsKept()
    {
        WorkerWindow window = Grown(16);
        window.Begin();
        clock.Advance(TimeSpan.FromHours(1));
        Assert.True(window.HasRoom(15));
        Assert.False(window.HasRoom(16));
    }

    [Theory]
    [InlineData(20, 250)]
    [InlineData(100_000, 1)]
    [InlineData(0, 1024)]
    public void TheWindowIsSomeMillisecondsOfWork(int microseconds, int items)
    {
        var window = new WorkerWindow(clock, null);
        for (int i = 0; i < 100; i++)
        {
            window.Send();
            clock.Advance(TimeSpan.FromMicroseconds(microseconds));
            window.Answer(1);
        }
        Assert.InRange(window.Size, items - 1, items);      // rounded down
    }

    private WorkerWindow Grown(int? fixedSize)
    {
        var window = new WorkerWindow(clock, fixedSize);
        for (int i = 0; i < 100; i++) window.Answer(10);
        return window;
    }
}

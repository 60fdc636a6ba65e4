using System.Runtime.CompilerServices;
using Sluice.Pipelines;

namespace Sluice.Tests.Pipelines.Operators;

/// <summary>Windows by event time in a run without a store, which nothing saves.</summary>
public sealed class EventWindowMemoryTests
{
    [Fact]
    public void AWindowThatHasComeOutIsNotKept()
    {
        var watermark = new Watermark(0, null);
        var windows = new EventWindows<int>(watermark, lateness: 0, maxItems: 100, most: null);
        Counter(windows) = int.MaxValue;             // as after so many windows
        WeakReference window = Closed(windows, watermark, at: 10), joined = Joined(windows, watermark, at: 20);
        GC.Collect();
        Assert.False(window.IsAlive);
        Assert.False(joined.IsAlive);
        Assert.False(windows.HasMore);
        GC.KeepAlive(windows);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Closed(EventWindows<int> windows, Watermark watermark, long at)
        {
            windows.Insert(0, at, at + 1);
            windows.Add(0, 1);
            var window = new WeakReference(windows[0]);
            watermark.Observe(at + 1, 0);
            windows.Close();
            Assert.True(windows.TryTakeReady(out _));
            return window;
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Joined(EventWindows<int> windows, Watermark watermark, long at)
        {
            windows.Insert(0, at, at + 2);
            windows.Insert(1, at + 3, at + 5);
            var window = new WeakReference(windows[1]);
            windows.Join(0, 2, at, at + 5);
            windows.Add(0, 1);
            return window;
        }

        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "used")]
        static extern ref int Counter(EventWindows<int> windows);
    }
}

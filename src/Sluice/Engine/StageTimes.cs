using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>The recorded time of a stage instance (<see cref="RunOptions.RecordTimings"/>), in ticks of the run's clock.</summary>
/// <remarks>The island that runs the instance writes it; snapshots read it.</remarks>
/// <param name="time">The run's clock.</param>
internal sealed class StageTimes(TimeProvider time)
{
    private readonly SlowestItems slowest = new(time);
    private long ticks;
    private long began;                              // the timestamp at which an item entered, plus 1; 0 if none is inside
    private long leftAt;                             // when the time was running last

    /// <summary>The time of all items that have left the node.</summary>
    public long Ticks => ticks;

    /// <summary>When the item that is inside entered, plus 1; 0 if none is. Any thread.</summary>
    public long Began => Volatile.Read(ref began);

    /// <summary>The time of all items, with the one that is inside. Any thread.</summary>
    public long SoFar
    {
        get
        {
            long entered = Began;
            return Volatile.Read(ref ticks) + (entered == 0 ? 0 : time.GetTimestamp() + 1 - entered);
        }
    }

    public void Begin() => Volatile.Write(ref began, time.GetTimestamp() + 1);      // a clock may start at 0

    /// <returns>Whether the time was running.</returns>
    public bool End()
    {
        long entered = Began;
        if (entered == 0) return false;
        leftAt = time.GetTimestamp();
        ticks += leftAt + 1 - entered;
        Volatile.Write(ref began, 0);
        return true;
    }

    /// <summary>Ends the time of an item that has left the node.</summary>
    /// <param name="item">The item as it has entered.</param>
    /// <param name="before">The <see cref="Ticks"/> when it entered.</param>
    public void EndOf<T>(T item, long before)
    {
        End();
        slowest.Note(item, ticks - before, leftAt);
    }

    /// <summary>Adds the slowest items of the ten minutes before a timestamp to those of the other instances of the node. Any
    /// thread.</summary>
    public void AddSlowestTo(ref List<SlowItem>? all, long now) => slowest.AddTo(ref all, now);
}

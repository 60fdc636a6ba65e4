using Sluice.Flows;

namespace Sluice.Executors;

/// <summary>A reader that a remote function has open.</summary>
internal sealed class ServedReading
{
    private readonly CancellationTokenSource stopping;
    private long delivered;                          // as received last, by one thread at a time
    private long passed;

    public ServedReading(InputPort port, PortReader reader, bool knowsTraces, CancellationToken life)
    {
        (Port, Reader, KnowsTraces, stopping) = (port, reader, knowsTraces, CancellationTokenSource.CreateLinkedTokenSource(life));
        Life = stopping.Token;
        delivered = passed = reader.From;
    }

    public InputPort Port { get; }

    public PortReader Reader { get; }

    /// <summary>Whether the function knows traces of values.</summary>
    public bool KnowsTraces { get; }

    /// <summary>Cancelled when the function no longer waits for values.</summary>
    public CancellationToken Life { get; }

    /// <summary>Checks a place that the function has reached: it never goes back, nor beyond the values that were sent.</summary>
    /// <exception cref="InvalidDataException">It does.</exception>
    public void Expect(long delivered, long passed)
    {
        if (delivered < this.delivered || delivered > Reader.Next || passed < this.passed || passed > delivered)
            throw new InvalidDataException(
                $"the place {passed} to {delivered} in the input {Port.Name}: it was {this.passed} to {this.delivered}, and values up to "
                    + $"{Reader.Next} were sent.");
        (this.delivered, this.passed) = (delivered, passed);
    }

    /// <summary>Takes over a place of a function that resumes from scratch, unless a read has told more.</summary>
    public void MoveTo(long delivered, long passed)
    {
        if (delivered > Reader.Delivered || passed > Reader.Passed)
            Reader.MoveTo(Math.Max(delivered, Reader.Delivered), Math.Max(passed, Reader.Passed));
    }

    /// <summary>Stops pending reads. Call it once.</summary>
    public void Stop()
    {
        stopping.Cancel();
        stopping.Dispose();
    }
}

/// <summary>The readers that a remote function has open.</summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class ServedReadings
{
    private readonly Lock sync = new();
    private readonly Dictionary<long, ServedReading> open = [];
    private long last;

    public int Count
    {
        get
        {
            lock (sync) return open.Count;
        }
    }

    /// <returns>The number by which the remote side knows the reader.</returns>
    public long Add(ServedReading reading)
    {
        lock (sync)
        {
            open.Add(++last, reading);
            return last;
        }
    }

    /// <exception cref="InvalidDataException">No open reader has this number.</exception>
    public ServedReading Find(long number)
    {
        lock (sync) return open.TryGetValue(number, out ServedReading? reading) ? reading : throw None(number);
    }

    /// <summary>Removes a reader, and stops its pending reads.</summary>
    /// <exception cref="InvalidDataException">No open reader has this number.</exception>
    public ServedReading Stop(long number)
    {
        ServedReading? reading;
        lock (sync)
            if (!open.Remove(number, out reading)) throw None(number);
        reading.Stop();
        return reading;
    }

    /// <summary>Stops and removes all readers.</summary>
    public void StopAll()
    {
        ServedReading[] all;
        lock (sync)
        {
            all = [.. open.Values];
            open.Clear();
        }
        foreach (ServedReading reading in all) reading.Stop();
    }

    private static InvalidDataException None(long number) => new($"there is no reading {number}.");
}

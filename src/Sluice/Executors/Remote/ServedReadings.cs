namespace Sluice;

/// <summary>A reading of a function in a child.</summary>
internal sealed class ServedReading
{
    private readonly CancellationTokenSource stopping;

    public ServedReading(InputPort port, PortReader reader, CancellationToken life)
    {
        (Port, Reader, stopping) = (port, reader, CancellationTokenSource.CreateLinkedTokenSource(life));
        Life = stopping.Token;
    }

    public InputPort Port { get; }

    public PortReader Reader { get; }

    /// <summary>Ends when nobody waits for values any more.</summary>
    public CancellationToken Life { get; }

    /// <summary>Nobody does. Called once.</summary>
    public void Stop()
    {
        stopping.Cancel();
        stopping.Dispose();
    }
}

/// <summary>What a function in a child has open.</summary>
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

    /// <returns>The number by which the child knows it.</returns>
    public long Add(ServedReading reading)
    {
        lock (sync)
        {
            open.Add(++last, reading);
            return last;
        }
    }

    /// <exception cref="InvalidDataException">There is no such reading, or none any more.</exception>
    public ServedReading Find(long number)
    {
        lock (sync) return open.TryGetValue(number, out ServedReading? reading) ? reading : throw None(number);
    }

    /// <summary>The same, for the last time: nobody waits for its values any more.</summary>
    /// <exception cref="InvalidDataException">There is no such reading, or none any more.</exception>
    public ServedReading Stop(long number)
    {
        ServedReading? reading;
        lock (sync)
            if (!open.Remove(number, out reading)) throw None(number);
        reading.Stop();
        return reading;
    }

    /// <summary>Nobody waits for values of any of them.</summary>
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

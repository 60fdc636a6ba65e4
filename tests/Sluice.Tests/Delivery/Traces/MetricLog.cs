using System.Diagnostics.Metrics;

namespace Sluice.Tests.Delivery.Traces;

/// <summary>Records the points of the instruments of Sluice, of those with one tag if other tests run at the same time.</summary>
internal sealed class MetricLog : IDisposable
{
    private readonly List<(string Name, string Tags, double Value)> points = [];
    private readonly MeterListener listener;

    /// <param name="tag">The tag: <c>messaging.destination.name=a</c>; null for all points.</param>
    /// <param name="told">Called with each point, on the thread that has measured it.</param>
    public MetricLog(string? tag, Action<string>? told = null)
    {
        listener = new()
        {
            InstrumentPublished = static (instrument, self) =>
            {
                if (instrument.Meter.Name == "Sluice") self.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();

        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string[] all = [.. tags.ToArray().Select(static each => $"{each.Key}={each.Value}")];
            if (tag is not null && !all.Contains(tag)) return;
            lock (points) points.Add((instrument.Name, string.Join(' ', all), value));
            told?.Invoke(instrument.Name);
        }
    }

    /// <summary>The names of all instruments that have a point.</summary>
    public IReadOnlyList<string> Names
    {
        get
        {
            lock (points) return [.. points.Select(static point => point.Name).Distinct().Order(StringComparer.Ordinal)];
        }
    }

    /// <summary>The sum of the points with an error; with null, of those without.</summary>
    public double Sum(string name, string? error) => Find(name, error).Sum();

    public int Count(string name, string? error) => Find(name, error).Length;

    /// <summary>The points with exactly these tags.</summary>
    public double[] Values(string name, string tags)
    {
        lock (points) return [.. points.Where(point => point.Name == name && point.Tags == tags).Select(static point => point.Value)];
    }

    /// <summary>Forgets the points.</summary>
    public void Clear()
    {
        lock (points) points.Clear();
    }

    /// <summary>The last point; null if there is none.</summary>
    public double? Last(string name)
    {
        lock (points) return points.FindLast(point => point.Name == name) is { Name: not null } last ? last.Value : null;
    }

    public void Collect() => listener.RecordObservableInstruments();

    public void Dispose() => listener.Dispose();

    private double[] Find(string name, string? error)
    {
        lock (points)
            return [.. points.Where(point => point.Name == name && (error is null
                ? !point.Tags.Contains("error.type", StringComparison.Ordinal)
                : point.Tags.Split(' ').Contains($"error.type={error}"))).Select(static point => point.Value)];
    }
}

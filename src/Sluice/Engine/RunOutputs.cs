using System.Collections.Concurrent;
using System.Threading.Channels;
using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>The named outputs of a run: channels for those that are read, counts for all.</summary>
/// <remarks>Thread-safe: nodes write from several islands; the first writer or reader makes the channel.</remarks>
internal sealed class RunOutputs(RunOptions options)
{
    private readonly Lock sync = new();
    private Dictionary<string, NamedChannel>? channels;
    private ConcurrentDictionary<string, OutputCounts>? counts;
    private List<(int Node, string Name)>? waiting;
    private bool completed;
    private Exception? failure;

    public IReadOnlyDictionary<string, OutputCounts> Counts => counts is { } known
        ? new Dictionary<string, OutputCounts>(known)
        : System.Collections.ObjectModel.ReadOnlyDictionary<string, OutputCounts>.Empty;

    /// <summary>The nodes that wait for room in a named output, with its name; a moment old.</summary>
    public IReadOnlyList<(int Node, string Name)> Waiting
    {
        get
        {
            lock (sync) return waiting is { Count: > 0 } ? [.. waiting] : [];
        }
    }

    public ValueTask WriteAsync<T>(int node, string name, T item, CancellationToken cancellation)
    {
        bool read = options.Outputs.Count > 0 && options.Outputs.Contains(name);
        LazyInitializer.EnsureInitialized(ref counts, static () => [])!.AddOrUpdate(
            name, static (_, read) => new OutputCounts(1, read ? 0 : 1),
            static (_, known, read) => new(known.Written + 1, known.Discarded + (read ? 0 : 1)), read);
        if (!read) return default;
        ChannelWriter<T> writer = Of<T>(name).Writer;
        return writer.TryWrite(item) ? default : WaitAsync(writer, node, name, item, cancellation);
    }

    public ChannelReader<T> Reader<T>(string name)
    {
        if (options.Outputs.Contains(name)) return Of<T>(name).Reader;
        throw new ArgumentException(
            $"Nobody asked for the output '{name}' when the run was started. Start it with RunOptions {{ Outputs = [\"{name}\"] }}.",
                nameof(name));
    }

    public void Complete(Exception? cause)
    {
        lock (sync)
        {
            if (completed) return;
            completed = true;
            failure = cause;
            if (channels is null) return;
            foreach (NamedChannel channel in channels.Values) channel.Complete(cause);
        }
    }

    private async ValueTask WaitAsync<T>(ChannelWriter<T> writer, int node, string name, T item, CancellationToken cancellation)
    {
        lock (sync) (waiting ??= []).Add((node, name));
        try
        {
            await writer.WriteAsync(item, cancellation);
        }
        finally
        {
            lock (sync) waiting!.Remove((node, name));
        }
    }

    private Channel<T> Of<T>(string name)
    {
        lock (sync)
        {
            channels ??= [];
            if (!channels.TryGetValue(name, out NamedChannel? known))
            {
                var made = new NamedChannel<T>(options.MaxBufferedItems);
                channels.Add(name, made);
                if (completed) made.Complete(failure);
                return made.Channel;
            }
            return known is NamedChannel<T> typed
                ? typed.Channel
                : throw new ArgumentException($"The output '{name}' carries {TypeNames.Of(known.Type)}, not {TypeNames.Of(typeof(T))}.",
                    nameof(name));
        }
    }

    private abstract class NamedChannel
    {
        public abstract Type Type { get; }

        public abstract void Complete(Exception? cause);
    }

    private sealed class NamedChannel<T>(int capacity) : NamedChannel
    {
        public Channel<T> Channel { get; } = System.Threading.Channels.Channel.CreateBounded<T>(capacity);

        public override Type Type => typeof(T);

        public override void Complete(Exception? cause) => Channel.Writer.TryComplete(cause);
    }
}

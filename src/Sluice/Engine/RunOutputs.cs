using System.Threading.Channels;

namespace Sluice;

/// <summary>The named outputs of a run that somebody wants to read.</summary>
/// <remarks>Thread-safe: nodes write from several islands; channels are made by whoever comes first, writer or reader.</remarks>
internal sealed class RunOutputs(RunOptions options)
{
    private readonly Lock sync = new();
    private Dictionary<string, OutputChannel>? channels;
    private bool completed;
    private Exception? failure;

    /// <summary>Where to write to, or null when nobody asked for this output.</summary>
    public ChannelWriter<T>? Writer<T>(string name) => options.Outputs.Count == 0 || !options.Outputs.Contains(name) ? null : Of<T>(name).Writer;

    public ChannelReader<T> Reader<T>(string name)
    {
        if (options.Outputs.Contains(name)) return Of<T>(name).Reader;
        throw new ArgumentException(
            $"Nobody asked for the output '{name}' when the run was started. Start it with RunOptions {{ Outputs = [\"{name}\"] }}.", nameof(name));
    }

    public void Complete(Exception? cause)
    {
        lock (sync)
        {
            if (completed) return;
            completed = true;
            failure = cause;
            foreach (OutputChannel channel in channels?.Values ?? Enumerable.Empty<OutputChannel>()) channel.Complete(cause);
        }
    }

    private Channel<T> Of<T>(string name)
    {
        lock (sync)
        {
            channels ??= [];
            if (!channels.TryGetValue(name, out OutputChannel? known))
            {
                var made = new OutputChannel<T>(options.Capacity);
                channels.Add(name, made);
                if (completed) made.Complete(failure);
                return made.Channel;
            }
            return known is OutputChannel<T> typed
                ? typed.Channel
                : throw new ArgumentException($"The output '{name}' carries {known.Type.Name}, not {typeof(T).Name}.", nameof(name));
        }
    }

    private abstract class OutputChannel
    {
        public abstract Type Type { get; }

        public abstract void Complete(Exception? cause);
    }

    private sealed class OutputChannel<T>(int capacity) : OutputChannel
    {
        public Channel<T> Channel { get; } = System.Threading.Channels.Channel.CreateBounded<T>(capacity);

        public override Type Type => typeof(T);

        public override void Complete(Exception? cause) => Channel.Writer.TryComplete(cause);
    }
}

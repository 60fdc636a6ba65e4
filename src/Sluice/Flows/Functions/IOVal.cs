using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>A value with the name of its stream: a result of a processor, or an input that a flow is started with.</summary>
/// <remarks>Immutable.</remarks>
public abstract class IOVal
{
    private protected IOVal(string name)
    {
        FlowNames.Check(name, nameof(name));
        Name = name;
    }

    /// <summary>The name of the stream.</summary>
    public string Name { get; }

    /// <summary>The type of the stream's values.</summary>
    internal abstract Type Type { get; }

    /// <summary>Whether this is a whole stream of values instead of a single one.</summary>
    internal virtual bool IsStream => false;

    /// <summary>Makes a value for a stream.</summary>
    /// <typeparam name="T">The type of the stream's values.</typeparam>
    /// <param name="name">The stream.</param>
    /// <param name="value">The value.</param>
    public static IOVal Of<T>(string name, T value) => new One<T>(name, value);

    /// <summary>Makes an input of a flow from a sequence. The service that starts the flow puts the values in as there is room.</summary>
    /// <typeparam name="T">The type of the stream's values.</typeparam>
    /// <param name="name">The stream.</param>
    /// <param name="values">The values; enumerated once.</param>
    public static IOVal Stream<T>(string name, IAsyncEnumerable<T> values)
    {
        ArgumentNullException.ThrowIfNull(values);
        return new Many<T>(name, values);
    }

    /// <summary>Describes it, for example <c>bar = 5</c>.</summary>
    public abstract override string ToString();

    internal abstract ValueTask WriteAsync(IOutputPort port, PayloadSerializers serializers, CancellationToken cancellation);

    internal abstract void AddTo(EntryBatch batch, PayloadSerializers serializers, EntryTrace? trace = null);

    private sealed class One<T>(string name, T value) : IOVal(name)
    {
        internal override Type Type => typeof(T);

        public override string ToString() => $"{Name} = {value}";

        internal override ValueTask WriteAsync(IOutputPort port, PayloadSerializers serializers, CancellationToken cancellation)
            => port.WriteAsync(value, serializers.For<T>(), port.Trace, cancellation);

        internal override void AddTo(EntryBatch batch, PayloadSerializers serializers, EntryTrace? trace)
            => TracedEntries.Add(batch, value, serializers.For<T>(), trace);
    }

    private sealed class Many<T>(string name, IAsyncEnumerable<T> values) : IOVal(name)
    {
        internal override Type Type => typeof(T);

        internal override bool IsStream => true;

        public override string ToString() => $"{Name} = {values}";

        internal override async ValueTask WriteAsync(IOutputPort port, PayloadSerializers serializers, CancellationToken cancellation)
        {
            IPayloadSerializer<T> serializer = serializers.For<T>();
            await foreach (T value in values.WithCancellation(cancellation).ConfigureAwait(false))
                await port.WriteAsync(value, serializer, port.Trace, cancellation).ConfigureAwait(false);
        }

        internal override void AddTo(EntryBatch batch, PayloadSerializers serializers, EntryTrace? trace)
            => throw new NotSupportedException();
    }
}

using Sluice.Diagnostics;

namespace Sluice.Flows;

/// <summary>A value that another run was started with, as it was stored, without compression and signature.</summary>
internal sealed class StoredValue(string name, byte[] payload) : IOVal(name)
{
    internal override Type Type => typeof(byte[]);

    public override string ToString() => $"{Name} = {payload.Length} bytes";

    internal override ValueTask WriteAsync(IOutputPort port, PayloadSerializers serializers, CancellationToken cancellation)
        => port.WriteAsync(payload, serializers.Raw, port.Trace, cancellation);

    internal override void AddTo(EntryBatch batch, PayloadSerializers serializers, EntryTrace? trace)
        => TracedEntries.Add(batch, payload, serializers.Raw, trace);
}

/// <summary>Many values that another run was started with. They are read while they are put in.</summary>
internal sealed class StoredValues(string name, IAsyncEnumerable<byte[]> payloads) : IOVal(name)
{
    internal override Type Type => typeof(byte[]);

    internal override bool IsStream => true;

    public override string ToString() => $"{Name} = the values of another run";

    internal override async ValueTask WriteAsync(IOutputPort port, PayloadSerializers serializers, CancellationToken cancellation)
    {
        IPayloadSerializer<byte[]> raw = serializers.Raw;
        await foreach (byte[] payload in payloads.WithCancellation(cancellation).ConfigureAwait(false))
            await port.WriteAsync(payload, raw, port.Trace, cancellation).ConfigureAwait(false);
    }

    internal override void AddTo(EntryBatch batch, PayloadSerializers serializers, EntryTrace? trace) => throw new NotSupportedException();
}

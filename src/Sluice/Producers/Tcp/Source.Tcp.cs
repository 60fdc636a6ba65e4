using Sluice.Pipelines;
using Sluice.Policies;
using Sluice.Producers;

namespace Sluice;

public static partial class Source
{
    private static readonly IPayloadSerializer<string> Text = new Utf8Text();

    /// <summary>
    /// A source of the text that clients send over TCP: <c>Source.Tcp(7070) | consecutor</c>. It does not end by itself: drain or cancel
    /// its run.
    /// </summary>
    /// <inheritdoc cref="Tcp{T}(int, IPayloadSerializer{T}, TcpOptions)"/>
    public static Source<string> Tcp(int port, TcpOptions? options = null) => Tcp(port, Text, options);

    /// <summary>
    /// A source of the items that clients send over TCP: <c>Source.Tcp(7070, payments.Serializer) | payments</c>. It does not end by
    /// itself: drain or cancel its run.
    /// </summary>
    /// <remarks>
    /// <para>
    /// docs/producers.md has the protocol. A client sends a hello, then numbered frames: lines, or bytes with their length in front. The
    /// source acknowledges the number up to which items are accepted. Directly in front of a consecutor, accepted means durable. A client
    /// with an id is told after a reconnect, also to another process, where to resume, so every item is accepted exactly once. In front of
    /// other stages, accepted means taken by the run, and ids are not remembered.
    /// </para>
    /// <para>
    /// <see cref="TcpProtocol.Lines"/> takes plain lines from any program (<c>echo x | nc localhost 7070</c>), without acknowledgements;
    /// <see cref="TcpProtocol.Auto"/> takes both.
    /// </para>
    /// <para>
    /// While there is no room, nothing more is read. A connection that sends something malformed gets an error and is closed; other
    /// connections are not affected. Frames are deserialized concurrently.
    /// </para>
    /// </remarks>
    /// <param name="port">The port to listen at; 0 for a free port, which <see cref="TcpOptions.OnListening"/> receives.</param>
    /// <param name="serializer">Makes items of frames; thread-safe. <see cref="PayloadSerializer.Bytes"/> leaves them as they are.</param>
    /// <param name="options">Address, framing, encryption, limits.</param>
    /// <exception cref="ArgumentOutOfRangeException">The port is not between 0 and 65,535.</exception>
    /// <exception cref="ArgumentException">The options combine plain lines with <see cref="TcpFraming.Length"/>.</exception>
    public static Source<T> Tcp<T>(int port, IPayloadSerializer<T> serializer, TcpOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(port, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(port, 65_535);
        ArgumentNullException.ThrowIfNull(serializer);
        if (options is { Protocol: not TcpProtocol.Framed, Framing: not TcpFraming.Lines })
            throw new ArgumentException($"TcpProtocol.{options.Protocol} is about lines. Give TcpFraming.Lines, or TcpProtocol.Framed.",
                nameof(options));
        return new TcpSource<T>(port, serializer.AtDoor(), options ?? new(), StageOptions.Default);
    }

    private sealed class Utf8Text : IPayloadSerializer<string>
    {
        private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

        public void Serialize(string value, System.Buffers.IBufferWriter<byte> to) => Strict.GetBytes(value, to);

        public string Deserialize(ReadOnlySpan<byte> payload) => Strict.GetString(payload);
    }
}

internal sealed class TcpSource<T>(int port, IPayloadSerializer<T> serializer, TcpOptions tcp, StageOptions options)
    : LeafSource<T>(options)
{
    private protected override string Kind => "tcp";

    private protected override string? Hint => port == 0 ? null : $"{tcp.Address}:{port}";

    private protected override Source<T> With(StageOptions annotated) => new TcpSource<T>(port, serializer, tcp, annotated);

    private protected override SourcePump<T> Pump(StageContext context, Inlet<T> next)
        => new TcpPump<T>(context, next, port, serializer, tcp);
}

namespace Sluice.ChildProcesses;

/// <summary>
/// The first frame of every child: its token, the types of its work as texts, which are empty if it knows none, one byte of flags, and the
/// version of the protocol, a number. Older children leave out the last or the last two. What follows is skipped.
/// </summary>
/// <param name="Token">The token that the child has sent.</param>
/// <param name="Input">The type of its items.</param>
/// <param name="Output">The type of its results.</param>
internal sealed record Hello(byte[] Token, string Input, string Output)
{
    /// <summary>The kind of the frame. The kinds of all other frames belong to the work of the child.</summary>
    public const byte Kind = 1;

    private const byte TakesTracesFlag = 1;

    /// <summary>Whether the child takes traces of items.</summary>
    public bool TakesTraces { get; init; } = true;

    /// <summary>The version of the protocol that the child speaks (<see cref="ProtocolVersion"/>).</summary>
    public long Version { get; init; } = ProtocolVersion.Newest;

    public void Write(FrameWriter to)
    {
        int start = to.Begin(Kind);
        to.Write(Token);
        to.Write(Input);
        to.Write(Output);
        to.Write(TakesTraces ? TakesTracesFlag : (byte)0);
        to.Write(Version);
        to.End(start);
    }

    /// <returns>The content of the frame; null if it is another frame.</returns>
    /// <exception cref="InvalidDataException">The frame is too short.</exception>
    public static Hello? Read(ReadOnlySpan<byte> frame)
    {
        if (frame[0] != Kind || frame.Length < 1 + ChildToken.SecretBytes) return null;
        byte[] token = frame.Slice(1, ChildToken.SecretBytes).ToArray();
        frame = frame[(1 + ChildToken.SecretBytes)..];
        string input = FrameReader.Text(ref frame), output = FrameReader.Text(ref frame);
        bool takesTraces = !frame.IsEmpty && (frame[0] & TakesTracesFlag) != 0;
        if (!frame.IsEmpty) frame = frame[1..];
        long version = frame.IsEmpty ? ProtocolVersion.Unsaid : FrameReader.Number(ref frame);
        return new(token, input, output) { TakesTraces = takesTraces, Version = version };
    }
}

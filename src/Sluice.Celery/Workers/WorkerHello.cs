using System.Buffers.Binary;

namespace Sluice.Celery;

/// <summary>The first frame of a worker.</summary>
/// <param name="Secret">The secret of its task.</param>
/// <param name="Worker">The name of the worker, for people; at most 200 letters.</param>
/// <param name="Version">The version of the protocol that it speaks.</param>
internal sealed record WorkerHello(byte[] Secret, string Worker, long Version)
{
    public const int SecretBytes = 32;

    /// <summary>The longest frame: the names in it are short.</summary>
    public const int MaxBytes = 2048;

    /// <returns>The content of the frame; null if it is no hello of a worker.</returns>
    public static WorkerHello? Read(ReadOnlySpan<byte> frame)
    {
        if (frame[0] != Frames.Hello || frame.Length < 1 + SecretBytes) return null;
        byte[] secret = frame.Slice(1, SecretBytes).ToArray();
        frame = frame[(1 + SecretBytes)..];
        if (!TryText(ref frame, out string worker) || !TryText(ref frame, out _)) return null;
        long version = frame.Length >= 9 ? BinaryPrimitives.ReadInt64LittleEndian(frame[1..]) : Frames.Version;
        var shown = new string([.. worker.Where(static each => !char.IsControl(each)).Take(200)]);
        return new(secret, shown, version);
    }

    private static bool TryText(ref ReadOnlySpan<byte> frame, out string text)
    {
        text = "";
        int length = frame.Length < 4 ? -1 : BinaryPrimitives.ReadInt32LittleEndian(frame);
        if (length < 0 || length > frame.Length - 4) return false;
        text = Encoding.UTF8.GetString(frame.Slice(4, length));
        frame = frame[(4 + length)..];
        return true;
    }
}

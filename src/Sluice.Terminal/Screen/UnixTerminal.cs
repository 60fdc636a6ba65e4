using System.Runtime.InteropServices;

namespace Sluice.Progress.Screen;

/// <summary>
/// Standard error of a process on Linux or macOS, as a terminal. <see cref="Console"/> locks <see cref="Console.Out"/> to write to a
/// terminal and to ask its size; this class takes no lock. <see cref="ProgressBoard"/> says why.
/// </summary>
internal sealed class UnixTerminal : Stream
{
    private const int StandardError = 2;
    private const int Interrupted = 4;               // EINTR
    private const short Writable = 0x4;              // POLLOUT

    /// <summary>The columns and rows of the terminal; zero if it does not tell them.</summary>
    public static (int Width, int Height) Size
    {
        get
        {
            Window window = default;
            int result = AreVariableArgumentsOnStack ? AskOnStack(StandardError, AskForSize, 0, 0, 0, 0, 0, 0, ref window)
                : Ask(StandardError, AskForSize, ref window);
            return result == 0 ? (window.Columns, window.Rows) : (0, 0);
        }
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written = Write(StandardError, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }
            int error = Marshal.GetLastPInvokeError();
            if (error == TryAgain) WaitUntilWritable();
            else if (error != Interrupted) throw new IOException(Marshal.GetPInvokeErrorMessage(error));
        }
    }

    public override void Flush()
    {
        // Each write goes to the terminal at once.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    // A terminal that another program has set to non-blocking, and that is full.
    private static void WaitUntilWritable()
    {
        var entry = new PollEntry { Descriptor = StandardError, Events = Writable };
        _ = Poll(ref entry, 1, Timeout.Infinite);
    }

    private static int TryAgain => OperatingSystem.IsLinux() ? 11 : 35;                       // EAGAIN

    private static nuint AskForSize                                                           // TIOCGWINSZ
        => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture != Architecture.Ppc64le ? 0x5413u : 0x40087468u;

    // ioctl has variable arguments. On Apple's processors these are on the stack, behind the six registers that are left.
    private static bool AreVariableArgumentsOnStack
        => OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64;

    [DllImport("libc", EntryPoint = "write", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(int descriptor, ref readonly byte data, nuint count);

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PollEntry entry, nuint count, int timeout);

    [DllImport("libc", EntryPoint = "ioctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Ask(int descriptor, nuint request, ref Window window);

    [DllImport("libc", EntryPoint = "ioctl")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int AskOnStack(int descriptor, nuint request, nint third, nint fourth, nint fifth, nint sixth, nint seventh,
        nint eighth, ref Window window);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Window
    {
        public ushort Rows, Columns, Width, Height;
    }
}

using System.Runtime.InteropServices;

namespace Sluice.Cli.Output;

/// <summary>The program that reads the output, such as <c>head</c> in a shell's pipe.</summary>
internal static partial class OutputReader
{
    private const int StandardOutput = 1;
    private const short Error = 0x8;                 // POLLERR: the reader of the pipe has ended
    private const short HungUp = 0x10;               // POLLHUP: the reader of the socket has ended

    /// <summary>
    /// Calls back when the program that reads the output has ended. .NET ignores the failures of writing then, so the command would go on
    /// without a reader, for example <c>show --follow</c>.
    /// </summary>
    public static void WhenGone(Action gone)
    {
        if (OperatingSystem.IsWindows() || Screen.IsTerminal) return;
        new Thread(() =>
        {
            try
            {
                var output = new PollEntry { Descriptor = StandardOutput };
                // Waits for errors only. A signal interrupts it; a file has no reader, and the call lasts until the process ends.
                while (Poll(ref output, 1, Timeout.Infinite) < 0 && Marshal.GetLastPInvokeError() == Interrupted) { }
                if ((output.Returned & (Error | HungUp)) != 0) gone();
            }
            catch (Exception missing) when (missing is DllNotFoundException or EntryPointNotFoundException)
            {
                // A system without this call: the command goes on to its end.
            }
        })
        { IsBackground = true, Name = "sluice output" }.Start();
    }

    private const int Interrupted = 4;               // EINTR

    [DllImport("libc", EntryPoint = "poll", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Poll(ref PollEntry entry, nuint count, int timeout);

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}

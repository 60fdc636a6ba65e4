using System.ComponentModel;
using System.Net.Sockets;
using Sluice.ChildProcesses;
using Sluice.Executors;
using Sluice.Flows;

namespace Sluice.Tests.Executors;

/// <summary>The start of a child on a machine that is short of processes, memory, files or room for some time.</summary>
public class ChildSlotTests
{
    /// <remarks>Regression: each failure was a lost start, and after five of them, in a third of a second, the processor failed.</remarks>
    [Fact]
    public async Task AStartThatFailsForWantOfSomethingIsRepeatedBeforeItIsLost()
    {
        var program = new ShortProgram(startTimeout: TimeSpan.FromMinutes(1), 11, 24, 8);
        var failure = await Assert.ThrowsAsync<ExecutionLostException>(() => ConnectAsync(program));
        Assert.Equal(8, ((Win32Exception)failure.InnerException!.InnerException!).NativeErrorCode);         // ENOEXEC does not pass
        Assert.Equal(3, program.Starts);
    }

    [Fact]
    public async Task AMachineThatStaysShortLosesTheStart()
    {
        var program = new ShortProgram(startTimeout: TimeSpan.FromTicks(1), 11);
        await Assert.ThrowsAsync<ExecutionLostException>(() => ConnectAsync(program));
        Assert.InRange(program.Starts, 1, 2);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ASocketThatCannotBeMadeForWantOfSomethingMayBeMadeLater(bool isSocket) => Assert.True(ChildProcess.MayPass(isSocket
        ? new SocketException((int)SocketError.TooManyOpenSockets) : new IOException("No space left on device", 28)));

    private static async Task ConnectAsync(ShortProgram program)
    {
        var options = new ProcessExecutorOptions { StartTimeout = program.StartTimeout };
        var slot = new ChildSlot(program, options, CancellationToken.None);
        await slot.ConnectAsync(static () => throw new UnreachableStartException(), TestContext.Current.CancellationToken);
    }

    private sealed class UnreachableStartException : Exception;

    /// <summary>A program whose starts fail by errors of the system, the last one for ever.</summary>
    private sealed class ShortProgram(TimeSpan startTimeout, params int[] errors) : ExecutorProgram
    {
        public TimeSpan StartTimeout => startTimeout;

        public int Starts { get; private set; }

        public override ChildProgram Program => throw new NotSupportedException();

        public override void Check() => throw new WorkerException("The process cannot be started.",
            new Win32Exception(errors[Math.Min(Starts++, errors.Length - 1)]));

        public override Task<Exception> ExplainAsync(ChildStartFailure failure, CancellationToken life)
            => throw new NotSupportedException();
    }
}

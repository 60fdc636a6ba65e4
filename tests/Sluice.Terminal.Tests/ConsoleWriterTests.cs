using Sluice.Progress.Screen;
using Sluice.Testing;

namespace Sluice.Terminal.Tests;

/// <summary>The writers that stand in for the console's, beside those that the program took before the display.</summary>
/// <remarks>These tests replace the console of the process. Tests that run at the same time could write to it.</remarks>
[CollectionDefinition(nameof(ConsoleWriterTests), DisableParallelization = true)]
[Collection(nameof(ConsoleWriterTests))]
public sealed class ConsoleWriterTests : IDisposable
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    // Only a thread that hangs takes so long.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    private readonly TestClock clock = new();
    private readonly VirtualTerminal terminal = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task WhatATerminalThatWasClosedDoesNotTakeGoesToTheWriterBefore(bool isShown)
    {
        var board = new ProgressBoard(terminal.Console(), null, clock);
        using var console = new AwaitedWriter("two\nthree\n");
        using var lines = new LinesAbove(board, console);
        if (isShown)
        {
            board.Begin(this);
            board.Update(this, Picture);
            lines.Write("one\n");
            clock.Advance(Second);
            Assert.Equal(["one", "picture"], terminal.Lines);
        }
        terminal.Closed = new IOException("no terminal");
        lines.Write("two\n");
        lines.Write("three\n");
        await console.Written.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("two\nthree\n", console.ToString());
    }

    /// <summary>
    /// A logger that took the console's writer before the display holds its lock, and waits for the lock of the present one: .NET takes it
    /// for each write. A thread that has this one may not wait for the logger.
    /// </summary>
    [Fact]
    public async Task AWriterOfATerminalThatWasClosedDoesNotWaitForTheWriterBefore()
    {
        var board = new ProgressBoard(terminal.Console(), null, clock);
        await using var console = new AwaitedWriter("one\ntwo\n");
        await using TextWriter before = TextWriter.Synchronized(console);
        await using TextWriter present = TextWriter.Synchronized(new LinesAbove(board, before));
        board.Begin(this);
        board.Update(this, Picture);
        clock.Advance(Second);
        terminal.Closed = new IOException("no terminal");
        lock (before)
        {
            var thread = new Thread(() =>
            {
                present.Write("one\n");              // the terminal fails
                present.Write("two\n");
                present.Flush();
            })
            { IsBackground = true };
            thread.Start();
            Assert.True(thread.Join(Patience), "The thread waits for the lock of the writer before.");
            lock (present) Assert.Equal("", console.ToString());
        }
        await console.Written.WaitAsync(TestContext.Current.CancellationToken);
        Assert.Equal("one\ntwo\n", console.ToString());
    }

    /// <summary>
    /// Until the last picture is drawn, the console's writers are those of the board: a line that another thread wrote to the terminal
    /// itself would stand below the picture, and be erased with it.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALineAtTheEndOfADisplayStandsBehindItsLastPicture(bool isLeft)
    {
        TextWriter before = Console.Error;
        var board = new ProgressBoard(terminal.Console(), new LinesAbove.Hook(), clock);
        board.Begin(this);
        Assert.SkipWhen(ReferenceEquals(before, Console.Error), "The runner has put a writer of its own in the console's place.");
        Thread? other = null;
        try
        {
            board.Update(this, Picture);
            clock.Advance(Second);
            Console.Error.Write("not com");
            Console.Error.Write("plete");
            terminal.Writing = () =>
            {
                terminal.Writing = null;
                TextWriter present = Console.Error;
                other = new(() => present.WriteLine("a line of another thread")) { IsBackground = true };
                other.Start();
            };
        }
        finally
        {
            if (isLeft) board.Leave();
            else board.End(this, Picture);
        }
        Assert.Same(before, Console.Error);
        Assert.True(other!.Join(Patience), "The line does not come to its end.");
        Assert.Equal(["not complete", "picture", "a line of another thread"], terminal.Lines);
    }

    public void Dispose() => terminal.Dispose();

    private static IReadOnlyList<BoardLine> Picture(int width) => [BoardLine.Of("picture", width)];

    private sealed class AwaitedWriter(string awaited) : StringWriter
    {
        private readonly TaskCompletionSource written = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Written => written.Task;

        public override void Write(string? value)
        {
            base.Write(value);
            if (ToString() == awaited) written.TrySetResult();
        }
    }
}

using System.Diagnostics;
using System.Globalization;
using Files.Services;
using Sluice;
using Sluice.Diagnostics;
using Sluice.Flows;
using Sluice.Storage;

namespace Files.Driving;

/// <summary>Looks at a run now and then: shows how far each processor has come, says when the store does not answer, and remembers the most
/// that was in memory and in the store.</summary>
internal sealed class Watch(FlowRun run, Fleet fleet, StoreMemory memory, string store)
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Line = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3); // a store that has not answered for so long is said to be silent
    private static readonly TimeSpan Reminder = TimeSpan.FromSeconds(30);
    private static readonly (string Processor, string Stream)[] Steps = [("discover", "paths"), ("read", "texts"), ("extract", "counts"),
        ("index", "entries")];

    private readonly bool isTerminal = !Console.IsOutputRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";
    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan nextLine = TimeSpan.Zero;
    private TimeSpan answeredAt, nextReminder;       // of the store; the second while it is silent
    private bool isSilent;

    /// <summary>The most values in the store.</summary>
    public long PeakEntries { get; private set; }

    /// <summary>The most bytes of values in the store.</summary>
    public long PeakBytes { get; private set; }

    /// <summary>The most room that the store took; zero if that is not known.</summary>
    public long PeakMemory { get; private set; }

    /// <summary>Until it is cancelled. Throws nothing but that.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await LookAsync(isLast: false, cancellation);
            await Task.Delay(Look, cancellation);
        }
    }

    /// <summary>Looks once more, at the end.</summary>
    public Task EndAsync(CancellationToken cancellation) => LookAsync(isLast: true, cancellation);

    private async Task LookAsync(bool isLast, CancellationToken cancellation)
    {
        fleet.Measure();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        try
        {
            FlowRunInfo status = await run.GetStatusAsync(patience.Token).WaitAsync(patience.Token);
            HasAnswered();
            PeakMemory = Math.Max(PeakMemory, await memory.AskAsync());
            PeakEntries = Math.Max(PeakEntries, status.Streams.Sum(stream => stream.Kept));
            PeakBytes = Math.Max(PeakBytes, status.Streams.Sum(stream => stream.Bytes));
            Show(string.Join("   ", Steps.Select(step =>
                $"{step.Processor} {status.Streams.FirstOrDefault(stream => stream.Name == step.Stream)?.Written ?? 0:N0}")), isLast);
        }
        catch (Exception failure) when (failure is StreamStoreException or OperationCanceledException
            && !cancellation.IsCancellationRequested)
        {
            IsSilent();                              // the flow waits for it, and so does this
        }
    }

    private void HasAnswered()
    {
        if (isSilent) Say(string.Create(CultureInfo.InvariantCulture,
            $"{store} answers again, after {(clock.Elapsed - answeredAt).TotalSeconds:F0} s"));
        (answeredAt, isSilent) = (clock.Elapsed, false);
    }

    private void IsSilent()
    {
        if (isSilent && clock.Elapsed < nextReminder) return;
        (isSilent, nextReminder) = (true, clock.Elapsed + Reminder);
        Say(string.Create(CultureInfo.InvariantCulture,
            $"{store} has not answered for {(clock.Elapsed - answeredAt).TotalSeconds:F0} s; the flow stands still, and goes on when it "
                + $"does (Ctrl+C ends it)"));
    }

    private void Say(string text)
    {
        if (isTerminal) Console.Write("\r\x1b[K");
        Console.Error.WriteLine($"files: {text}");
    }

    private void Show(string progress, bool isLast)
    {
        string text = $"{progress}   {clock.Elapsed.TotalSeconds:F0} s{(fleet.Kills > 0 ? $", {fleet.Kills} kills" : "")}";
        if (isTerminal)
        {
            Console.Write(
                $"\r\x1b[K{(text.Length < Console.WindowWidth || Console.WindowWidth <= 1 ? text : text[..(Console.WindowWidth - 1)])}{(isLast ? "\n" : "")}");
        }
        else if (isLast || clock.Elapsed >= nextLine)
        {
            Console.WriteLine(text);
            nextLine = clock.Elapsed + Line;
        }
    }
}

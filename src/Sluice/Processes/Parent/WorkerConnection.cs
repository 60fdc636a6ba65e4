using System.Diagnostics;
using Sluice.ChildProcesses;
using Sluice.Diagnostics;
using Sluice.Scheduling;

namespace Sluice.Processes;

/// <summary>The connection to one worker: a loop that sends items, and a loop that receives answers.</summary>
/// <remarks>
/// The sending loop takes items from the pool, as many as the worker does in a few milliseconds. It uses no <see cref="FrameSender"/>,
/// which sends all that it is given: items would wait for this worker while another one is idle.
/// The pool's lock guards <see cref="UnderWay"/>, <see cref="HasAnswered"/> and <see cref="IsEnding"/>.
/// </remarks>
internal sealed class WorkerConnection<TIn, TOut> : IDisposable
{
    private const int BatchBytes = 1 << 16;

    private readonly WorkerPool<TIn, TOut> pool;
    private readonly ChildConnection child;
    private readonly FrameWriter writer = new();
    private readonly List<WorkCall<TIn, TOut>> batch = [];
    private readonly Waiter news;
    private readonly ITimer? timer;
    private readonly IPayloadSerializer<TIn> items;
    private readonly IPayloadSerializer<TOut> results;
    private string? lastWords;
    private volatile bool isOver;

    public WorkerConnection(WorkerPool<TIn, TOut> pool, ChildConnection child)
    {
        (this.pool, this.child) = (pool, child);
        (items, results) = (pool.Definition.Items, pool.Definition.Results);
        news = new(pool.Run.Scheduler);
        Window = new(pool.Run.Time, pool.ItemsPerWorker);
        if (pool.Timeout is not null) timer = pool.Run.Time.CreateTimer(static connection =>
            ((WorkerConnection<TIn, TOut>)connection!).EndIfLate(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The items sent and not answered, by number.</summary>
    public Dictionary<long, WorkCall<TIn, TOut>> UnderWay { get; } = [];

    public bool HasAnswered { get; set; }

    /// <summary>Whether it is about to be killed because of a late item. It gets no other item, even if that one is answered.</summary>
    public bool IsEnding { get; set; }

    /// <summary>How many items it may have in flight.</summary>
    public WorkerWindow Window { get; }

    /// <summary>Whether its only item is a suspect; call it under the pool's lock.</summary>
    public bool HasSuspect => UnderWay.Count == 1 && UnderWay.Values.First().IsSuspect;

    /// <summary>Whether it waits for items to send.</summary>
    public bool IsIdle => news.IsArmed;

    /// <summary>Wakes the sending loop. Thread-safe.</summary>
    public void Tell()
    {
        Interlocked.MemoryBarrier();
        news.Wake();
    }

    /// <summary>Sends and receives until the worker has ended or is no longer needed.</summary>
    /// <returns>The worker's last message; null if there is none.</returns>
    public async Task<string?> RunAsync()
    {
        Task sending = SendAllAsync();
        string? killed = await child.ReceiveAsync(TakeAll, pool.Life);          // unanswered items are repeated
        isOver = true;
        Tell();
        child.Close();
        await sending;
        return lastWords ?? killed;
    }

    public void Dispose()
    {
        timer?.Dispose();
        writer.Dispose();
    }

    private async Task SendAllAsync()
    {
        try
        {
            while (!isOver)
            {
                batch.Clear();
                pool.Take(this, batch);
                if (batch.Count > 0)
                {
                    await SendBatchAsync();
                    continue;
                }
                news.Arm();
                if ((isOver || pool.HasWorkFor(this)) && news.Disarm()) continue;
                await news.WaitAsync();
            }
        }
        catch (Exception)
        {
            child.Close();                           // the other loop notices; items in flight are repeated
        }
    }

    private async Task SendBatchAsync()
    {
        timer?.Change(pool.Timeout!.Value, Timeout.InfiniteTimeSpan);
        Window.Send();
        bool hasFailed = false;
        for (int i = 0; i < batch.Count; i++)
        {
            if (!TryWrite(batch[i])) hasFailed = true;
            if (writer.Length < BatchBytes && i < batch.Count - 1) continue;
            for (int sent = 0; sent < writer.Length;) sent += await child.Socket.SendAsync(writer.Memory[sent..], pool.Life);
            writer.Clear();
        }
        if (hasFailed) pool.Wake();
    }

    private bool TryWrite(WorkCall<TIn, TOut> call)
    {
        Activity? trace = child.Hello.TakesTraces ? call.Span : null;
        int start = writer.Begin((byte)(trace is null ? FrameKind.Item : FrameKind.TracedItem), call.Number);
        if (trace is not null) writer.WriteSized(new EntryTrace(trace.Context).ToHeaders());
        try
        {
            int before = writer.Length;
            items.Serialize(call.Item, writer.Payload);
            int length = writer.Length - before;
            if (length > pool.Definition.Options.MaxItemBytes)
                throw new PayloadException(
                    $"The item has {length:N0} bytes, the limit is {pool.Definition.Options.MaxItemBytes:N0} "
                        + $"(ProcessOptions.MaxItemBytes). Make the items smaller, or raise the limit.")
                { IsTooLong = true };
            writer.End(start);
            return true;
        }
        catch (Exception e)
        {
            writer.Truncate(start);
            call.Fail(e);
            pool.Unsent(this, call);
            return false;
        }
    }

    /// <returns>Whether the worker goes on.</returns>
    private bool TakeAll()
    {
        int answers = 0;
        while (child.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            var kind = (FrameKind)frame[0];
            frame = frame[1..];
            switch (kind)
            {
                case FrameKind.Done:
                    Done(frame);
                    answers++;
                    break;
                case FrameKind.Failed:
                    Failed(frame);
                    answers++;
                    break;
                case FrameKind.Refused:
                    pool.Fail(new WorkerException(pool.Definition.Program.ExplainRefusal(FrameReader.Text(ref frame))));
                    return false;
                case FrameKind.Broken:
                    lastWords = FrameReader.Text(ref frame);
                    return false;
                default:
                    throw new InvalidDataException($"a frame of the kind {(byte)kind}.");
            }
        }
        if (answers == 0) return true;
        Window.Answer(answers);
        pool.Wake();
        if (IsIdle && pool.HasWorkFor(this)) Tell();
        return true;
    }

    // Done and Failed read a frame before its item counts as answered: if the frame cannot be read, the item is still under way, and is
    // repeated.
    private void Done(ReadOnlySpan<byte> frame)
    {
        long number = FrameReader.Number(ref frame);
        bool hasSkippedFailure = FrameReader.Flag(ref frame);
        WorkCall<TIn, TOut> call = pool.Answered(this, number);
        call.HasSkippedFailure = hasSkippedFailure;
        try
        {
            while (!frame.IsEmpty) call.Add(results.Deserialize(FrameReader.Sized(ref frame)));
        }
        catch (Exception e)
        {
            call.Fail(new WorkerException($"A result of the body '{pool.Definition.Body}' cannot be read: {e.Message}", e));
        }
        pool.AttemptEnded(call);
    }

    private void Failed(ReadOnlySpan<byte> frame)
    {
        long number = FrameReader.Number(ref frame);
        bool isForLetter = FrameReader.Flag(ref frame);
        string node = FrameReader.Text(ref frame), type = FrameReader.Text(ref frame), message = FrameReader.Text(ref frame);
        WorkCall<TIn, TOut> call = pool.Answered(this, number);
        call.Fail(new WorkerException($"'{node}' failed with {type}: {message}") { Node = node, ExceptionType = type }, isForLetter);
        pool.AttemptEnded(call);
    }

    /// <summary>
    /// Kills a late worker. The timer is never stopped, so its item may have been answered, and a later one be in flight.
    /// </summary>
    private void EndIfLate()
    {
        if (pool.TimeLeftOf(this) is not { } left) return;
        if (left > TimeSpan.Zero) timer!.Change(left, Timeout.InfiniteTimeSpan);
        else
        {
            child.Process.Kill();
            child.Close();                           // what was started may be a script, whose child has the connection and goes on
        }
    }
}

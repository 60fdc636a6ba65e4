using Sluice.ChildProcesses;
using Sluice.Diagnostics;

namespace Sluice.Processes;

/// <summary>
/// Receives items in a worker independently of the body's pace, so that the parent's end is noticed at once. The parent bounds what it
/// sends.
/// </summary>
/// <remarks>The receiving loop fills it, the pump empties it.</remarks>
internal sealed class WorkerIntake<T>(WorkerLink link, IPayloadSerializer<T> serializer)
{
    private readonly Lock sync = new();
    private List<(WorkerItem Item, T Value)> filling = [];
    private volatile bool isOver;

    /// <summary>Wakes the pump.</summary>
    public Action? Wake { get; set; }

    public bool IsOver => isOver;

    public bool HasNews
    {
        get
        {
            if (isOver) return true;
            lock (sync) return filling.Count > 0;
        }
    }

    /// <summary>Takes all items; called by the pump.</summary>
    /// <param name="batch">An empty list, exchanged for the received items.</param>
    public bool TryTake(ref List<(WorkerItem Item, T Value)> batch)
    {
        lock (sync)
        {
            if (filling.Count == 0) return false;
            (batch, filling) = (filling, batch);
            return true;
        }
    }

    /// <summary>Receives until the parent closes the connection or is gone. Never throws.</summary>
    public async Task ReceiveAsync()
    {
        try
        {
            while (await link.Reader.ReceiveAsync(CancellationToken.None))
            {
                TakeAll();
                Wake?.Invoke();
            }
        }
        catch (Exception e)
        {
            link.Say(FrameKind.Broken, FailureText.MessageOf(e));
        }
        isOver = true;
        Wake?.Invoke();
    }

    private void TakeAll()
    {
        while (link.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            var kind = (FrameKind)frame[0];
            if (kind is not (FrameKind.Item or FrameKind.TracedItem))
                throw new InvalidDataException($"A frame of the kind {frame[0]} has come, which only workers send.");
            frame = frame[1..];
            WorkerItem item = link.Begin(FrameReader.Number(ref frame));
            if (kind == FrameKind.TracedItem) item.Continue(EntryTrace.FromHeaders(FrameReader.Sized(ref frame)));
            T value;
            try
            {
                value = serializer.Deserialize(frame);
            }
            catch (Exception e)
            {
                item.Fail(new PipelineException(WorkerSource<T>.KindName, null, e, 0));
                continue;
            }
            lock (sync) filling.Add((item, value));
        }
    }
}

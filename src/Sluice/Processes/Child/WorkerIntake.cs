namespace Sluice;

/// <summary>Takes items in as they come, whatever the body is doing: so that the end of the parent is noticed at once. The parent bounds what it sends.</summary>
/// <remarks>Filled by the loop that receives, emptied by the pump.</remarks>
internal sealed class WorkerIntake<T>(WorkerLink link, IPayloadSerializer<T> serializer)
{
    private readonly Lock sync = new();
    private List<(WorkerItem Item, T Value)> filling = [];
    private volatile bool isOver;

    /// <summary>Tells the pump that there is something to take.</summary>
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

    /// <summary>The pump's.</summary>
    /// <param name="batch">Empty; exchanged for what is there.</param>
    public bool TryTake(ref List<(WorkerItem Item, T Value)> batch)
    {
        lock (sync)
        {
            if (filling.Count == 0) return false;
            (batch, filling) = (filling, batch);
            return true;
        }
    }

    /// <summary>Receives until the parent ends the connection, or is gone. Throws nothing.</summary>
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
            link.Say(FrameKind.Broken, e.Message);
        }
        isOver = true;
        Wake?.Invoke();
    }

    private void TakeAll()
    {
        while (link.Reader.TryTake(out ReadOnlySpan<byte> frame))
        {
            if ((FrameKind)frame[0] != FrameKind.Item) throw new InvalidDataException($"A frame of the kind {frame[0]} has come, which only workers send.");
            frame = frame[1..];
            WorkerItem item = link.Begin(FrameReader.Number(ref frame));
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

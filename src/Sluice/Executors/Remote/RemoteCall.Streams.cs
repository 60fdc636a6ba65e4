using Sluice.ChildProcesses;
using Sluice.Diagnostics;
using Sluice.Executors;

namespace Sluice.Flows;

/// <content>Streams of a call that runs elsewhere: opened, read, released and written here.</content>
public sealed partial class RemoteCall
{
    private async Task OpenAsync(long question, InputPort port, ReadFrom from, bool isCounted, int chooser, long? chosen,
        bool knowsTraces)
    {
        if (isCounted) invocation.PassLeft();        // a loop of the function begins
        PortReader reader = await port.OpenAsync(from, isCounted, chooser, chosen, life.Token).ConfigureAwait(false);
        long number = readings.Add(new(port, reader, knowsTraces, life.Token));
        writer.Say(CallFrame.Answer, question, number, reader.From);
    }

    private async Task ReadAsync(long question, ServedReading reading, bool isAhead)
    {
        reading.Reader.IsMerged = isAhead;           // one read of a reading at a time
        ReadOnlyMemory<Entry> values = await reading.Reader.TakeAsync(reading.Life).ConfigureAwait(false);
        foreach (ref readonly Entry value in values.Span)
            if (value.Payload.Length > maxValueBytes)
                throw new FlowException(
                    $"The value {value.IdIn(reading.Port.Stream, 0)} has {value.Payload.Length:N0} bytes, and {place} is "
                        + $"sent {maxValueBytes:N0} at most{limit}. Raise the limit, or store such values elsewhere and send references.")
                { Run = invocation.Run };
        writer.SayValues(question, reading.Port.IsComplete, values, reading.KnowsTraces);
    }

    private async Task WaitAsync(long question, Task answered)
    {
        await invocation.WaitAsync(answered).ConfigureAwait(false);
        writer.Say(CallFrame.Answer, question);
    }

    private async Task ReleaseAsync(long question, ServedReading reading)
    {
        await reading.Port.ReleaseAsync(reading.Reader, life.Token).ConfigureAwait(false);
        writer.Say(CallFrame.Answer, question);
    }

    private async Task SaveAsync(long question, byte[] state)
    {
        if (invocation.Plan.Resume != ResumeMode.Checkpoint)
            throw new FlowException(
                $"The processor {invocation.Plan.Name} was to save a state, but resumes {invocation.Plan.Resume}. Make it "
                    + $"Resume = ResumeMode.Checkpoint.")
            { Run = invocation.Run, Processor = invocation.Plan.Name };
        await invocation.SaveAsync(state, life.Token).ConfigureAwait(false);
        writer.Say(CallFrame.Answer, question);
    }

    private async ValueTask PutAsync(ServedOutput output, byte[] payload, EntryTrace? trace)
    {
        if (isLost || fault is not null) return;
        try
        {
            if (payload.Length > maxValueBytes)
                throw new PayloadException(
                    $"A value for the stream {output.Port.Name} has {payload.Length:N0} bytes, and {place} sends "
                        + $"{maxValueBytes:N0} at most{limit}. Store it elsewhere and send a reference, or raise the limit.")
                { IsTooLong = true };
            await output.Port.WriteAsync(payload, PayloadSerializer.Bytes, trace, life.Token).ConfigureAwait(false);
            // Nobody may read the connection after the function's end.
            if (output.Count(payload.Length) is var (values, bytes) && !hasEnded) writer.Say(CallFrame.Credit, output.Index, values, bytes);
        }
        catch (Exception e)
        {
            Fault(e);
        }
    }

    private ValueTask MoveAsync(ServedReading reading, long delivered, long passed)
    {
        if (!isLost && fault is null) reading.Reader.MoveTo(delivered, passed);
        return ValueTask.CompletedTask;
    }

    private async ValueTask ReachAsync(bool mayWait)
    {
        if (isLost || fault is not null) return;
        try
        {
            await invocation.ReachAsync(mayWait, life.Token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Fault(e);
        }
    }
}

using System.Diagnostics;
using Sluice.Diagnostics;

namespace Sluice.Engine;

/// <summary>
/// Starts the span of a node when a traced item enters, and makes it current for the code of the node. It ends with the last output of the
/// node for the item, or when the node has finished with the item.
/// </summary>
/// <remarks>Only in runs of which a listener wanted spans when they began (<see cref="ItemTracking.IsTraced"/>).</remarks>
internal sealed class TraceInput<T>(StageContext context, Inlet<T> stage) : PassThrough<T>(context, stage), IWraps
{
    public object Inner => Next;

    public override ValueTask PushAsync(T item, Ticket? ticket)
        => ticket?.Trace is { } trace ? TraceAsync(item, ticket, trace) : Next.PushAsync(item, ticket);

    private ValueTask TraceAsync(T item, Ticket ticket, Activity trace)
    {
        string name = Context.Run.NameOf(Node);
        if (Telemetry.Start("sluice.node", $"node {name}", parent: trace.Context, tags: [new(TelemetryNames.Node, name)]) is not { } span)
            return Next.PushAsync(item, ticket);
        var outer = CurrentActivity.Note();
        var inside = new NodeSpan(span, trace, Context.Failed);
        Context.Span = inside;
        Activity.Current = span;
        ValueTask pushed;
        try
        {
            pushed = Next.PushAsync(item, ticket);
        }
        catch (Exception e)
        {
            outer.Restore();
            End(inside, e);
            throw;
        }
        outer.Restore();
        if (!pushed.IsCompletedSuccessfully) return AwaitAsync(pushed, inside);
        End(inside, null);
        return default;
    }

    private async ValueTask AwaitAsync(ValueTask pushed, NodeSpan inside)
    {
        try
        {
            await pushed;
        }
        catch (Exception e)
        {
            End(inside, e);
            throw;
        }
        End(inside, null);
    }

    private void End(NodeSpan inside, Exception? failure)
    {
        if (ReferenceEquals(Context.Span, inside)) Context.Span = null;
        // Failures of nodes behind it pass through, too.
        if (failure is PipelineException about && about.Index == Node)
        {
            Exception cause = about.InnerException ?? about;               // the message about it has the text of the item
            Telemetry.Fail(inside.Span, TelemetryNames.ErrorOf(cause), FailureText.MessageOf(cause));
        }
        else if (Context.Failed > inside.Failed) Telemetry.Fail(inside.Span, "_OTHER", null);
        else if (inside.Left != default) inside.Span.SetEndTime(inside.Left);
        Telemetry.End(inside.Span);
    }
}

/// <summary>While an output is on its way further down, the span of the item is current instead of the span of the node.</summary>
internal sealed class TraceOutput<T>(StageContext context, Inlet<T> next) : PassThrough<T>(context, next)
{
    public override ValueTask PushAsync(T item, Ticket? ticket)
    {
        if (Context.Span is not { } inside) return Next.PushAsync(item, ticket);
        inside.Left = Context.Run.Time.GetUtcNow().UtcDateTime;
        var outer = CurrentActivity.Note();
        Activity.Current = inside.Item;
        try
        {
            return Next.PushAsync(item, ticket);
        }
        finally
        {
            outer.Restore();
        }
    }
}

/// <summary>The span of the item that is inside a node.</summary>
/// <param name="Span">The span of the node.</param>
/// <param name="Item">The span of the item's attempt.</param>
/// <param name="Failed">The failures of the node before the item.</param>
internal sealed record NodeSpan(Activity Span, Activity Item, long Failed)
{
    /// <summary>When the last output left the node; default if there was none.</summary>
    public DateTime Left { get; set; }
}

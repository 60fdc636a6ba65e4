namespace Sluice;

/// <summary>What became of a node in one resolve.</summary>
internal abstract class NodeSlot(Resolution resolution, NodeDefinition definition, int number)
{
    public NodeDefinition Definition => definition;

    public int Number => number;

    public NodeStatus Status { get; set; } = NodeStatus.Running;

    public Exception? Exception { get; protected set; }

    /// <summary>Timestamps of the clock, where timings are recorded.</summary>
    public long Started { get; set; }

    public long Ended { get; private set; }

    public int Attempts { get; set; } = 1;

    /// <summary>The parent for want of which it was skipped.</summary>
    public string? Without { get; private set; }

    public abstract object? Boxed { get; }

    /// <summary>Whether children receive something from it.</summary>
    public abstract bool HasSomething { get; }

    /// <summary>A parent that the node needs produced nothing.</summary>
    public void Skip(string parent)
    {
        Without = parent;
        Status = NodeStatus.Skipped;
    }

    protected Resolution Resolution => resolution;

    protected void End(NodeStatus status)
    {
        if (resolution.RecordsTimings) Ended = resolution.Now;
        Status = status;
    }
}

/// <inheritdoc/>
/// <remarks>Written by whoever runs the node, once; what is written is seen by its children, who are released after it.</remarks>
internal sealed class NodeSlot<T>(Resolution resolution, NodeDefinition<T> definition, int number) : NodeSlot(resolution, definition, number)
{
    private ValueTask<T> pending;

    public T? Value { get; private set; }

    public override object? Boxed => Value;

    public override bool HasSomething => Status is NodeStatus.Succeeded or NodeStatus.FellBack && Value is not null;

    public void Succeed(T value)
    {
        Value = value;
        End(NodeStatus.Succeeded);
    }

    public void Fail(Exception exception)
    {
        Exception = exception;
        if (Resolution.IsStopping && exception is OperationCanceledException)
        {
            End(NodeStatus.Cancelled);
            return;
        }
        if (definition.Fallback is { } fallback)
        {
            try
            {
                Value = fallback(exception);
                End(NodeStatus.FellBack);
                return;
            }
            catch (Exception worse)
            {
                Exception = worse;
            }
        }
        End(NodeStatus.Failed);
        if (!definition.IsOptional) Resolution.Fail(this);
    }

    /// <summary>The node goes on when this has ended.</summary>
    public void Await(ValueTask<T> unfinished)
    {
        pending = unfinished;
        Resolution.Suspend();
        pending.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(GoOn);
    }

    private void GoOn()
    {
        if (Resolution.Flow is { } flow) ExecutionContext.Run(flow, static slot => ((NodeSlot<T>)slot!).Finish(), this);
        else Finish();
    }

    private void Finish()
    {
        try
        {
            Succeed(pending.GetAwaiter().GetResult());
        }
        catch (Exception e)
        {
            Fail(e);
        }
        pending = default;
        Resolution.GoOn(Number);
    }
}

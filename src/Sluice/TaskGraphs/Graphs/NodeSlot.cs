namespace Sluice;

/// <summary>What became of a node in one resolve. Small, because there is one for each node of every resolve: what few nodes have is apart.</summary>
/// <remarks>Written by whoever runs the node; what is written is seen by its children, who are released after it.</remarks>
internal abstract class NodeSlot(NodeDefinition definition)
{
    private NodeDetails? details;

    public NodeDefinition Definition => definition;

    public NodeStatus Status { get; set; } = NodeStatus.Running;

    /// <summary>What there is to say beyond the value; null if nothing.</summary>
    public NodeDetails? Details => details;

    public abstract object? Boxed { get; }

    /// <summary>Whether children receive something from it.</summary>
    public abstract bool HasSomething { get; }

    public NodeDetails WithDetails() => details ??= new();

    /// <summary>A parent that the node needs produced nothing.</summary>
    public void Skip(string parent)
    {
        WithDetails().Without = parent;
        Status = NodeStatus.Skipped;
    }
}

/// <summary>What is known of nodes that are timed, tried again, skipped, or have failed.</summary>
internal sealed class NodeDetails
{
    public Exception? Exception { get; set; }

    /// <summary>Timestamps of the clock; zero unless timings are recorded.</summary>
    public long Started { get; set; }

    public long Ended { get; set; }

    public int Attempts { get; set; } = 1;

    /// <summary>The parent for want of which it was skipped.</summary>
    public string? Without { get; set; }
}

/// <inheritdoc/>
internal sealed class NodeSlot<T>(NodeDefinition<T> definition) : NodeSlot(definition)
{
    public T? Value { get; private set; }

    public override object? Boxed => Value;

    public override bool HasSomething => Status is NodeStatus.Succeeded or NodeStatus.FellBack && Value is not null;

    public void Succeed(Resolution resolution, T value)
    {
        Value = value;
        End(resolution, NodeStatus.Succeeded);
    }

    public void Fail(Resolution resolution, Exception exception)
    {
        NodeDetails details = WithDetails();
        details.Exception = exception;
        if (resolution.IsStopping && exception is OperationCanceledException)
        {
            End(resolution, NodeStatus.Cancelled);
            return;
        }
        if (((NodeDefinition<T>)Definition).Fallback is { } fallback)
        {
            try
            {
                Value = fallback(exception);
                End(resolution, NodeStatus.FellBack);
                return;
            }
            catch (Exception worse)
            {
                details.Exception = worse;
            }
        }
        End(resolution, NodeStatus.Failed);
        if (!Definition.IsOptional) resolution.Fail(this);
    }

    private void End(Resolution resolution, NodeStatus status)
    {
        if (resolution.RecordsTimings) WithDetails().Ended = resolution.Now;
        Status = status;
    }
}

namespace Sluice.Celery.Tests;

/// <summary>Results of tasks as Python writes them.</summary>
public class TaskResultTests
{
    /// <summary>Python has half a surrogate pair for each byte of a file's name that is no UTF-8.</summary>
    [Fact]
    public void AnErrorWithHalfASurrogatePairIsTold()
    {
        TaskResult result = TaskResult.Read("""
            {"status": "FAILURE", "traceback": "File \"caf\udce9.py\"",
             "result": {"exc_type": "FileNotFoundError", "exc_message": ["caf\udce9.csv", 2], "exc_module": "builtins"}}
            """u8.ToArray());
        Assert.Equal(("FAILURE", @"File \""caf\udce9.py\"""), (result.State, result.Traceback));
        Assert.Equal(("FileNotFoundError", @"caf\udce9.csv, 2"), result.Exception());
    }
}
